import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';

// dist/test/cli/support -> packages
const PACKAGES = new URL('../../../../../', import.meta.url);
export const RUN_NPU = fileURLToPath(new URL('runtime/bin/run-npu.js', PACKAGES));
export const NPU_SIM = fileURLToPath(new URL('simulator/bin/npu-sim.js', PACKAGES));

export interface Outcome {
  /** Undefined where a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  /** What stands on stdin, which is then closed. */
  readonly input?: string;
  /** Told when the first byte of stdout has come. */
  readonly onOutput?: (child: ChildProcess) => void;
}

/** Runs a program of Node's to its end. */
export function runNode(args: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  const { NPU_SIM: _plan, NPU_TRACE: _trace, NPU_DUMP: _dump, ...inherited } = process.env;
  const child = spawn(process.execPath, args, { env: { ...inherited, ...settings.env } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => {
    if (stdout.length === 0) settings.onOutput?.(child);
    stdout.push(bytes);
  });
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  child.stdin.end(settings.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', status => {
      resolve({
        status: status ?? undefined,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** Runs run-npu to its end, with the FFI adapter that this test runs with. */
export function runNpu(args: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  return runNode([RUN_NPU, ...args], settings);
}

/** Lines of stderr that are run-npu's own, not the simulated device's. */
export function ownLines({ stderr }: Outcome): string[] {
  return stderr.split('\n').filter(line => line !== '' && !line.startsWith('npu-sim: '));
}

/** An error is one line on stderr that begins with the command's name and says all of `parts`, and the exit status. */
export function expectFailure(outcome: Outcome, status: number, ...parts: readonly string[]): void {
  expect({ ...outcome, lines: ownLines(outcome).length }).toMatchObject({ status, lines: 1 });
  const [line] = ownLines(outcome);
  expect(line).toMatch(/^run-npu: /);
  for (const part of parts) expect(line).toContain(part);
}

/** The text, without what else a run prints. */
export function expectSuccess(outcome: Outcome): string {
  expect(outcome).toMatchObject({ status: 0 });
  return outcome.stdout;
}
