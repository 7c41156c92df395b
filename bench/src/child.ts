import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExitStatus, ToolkitError } from '@npu-llama/format';

/** A program that the bench runs could not be started, or failed. */
export class ChildError extends ToolkitError {
  readonly exitStatus = ExitStatus.usageOrFile;

  constructor(command: string, problem: string, got: string, cause?: unknown) {
    super(`${command}: ${problem}`, { got, cause });
  }
}

export interface ChildOptions {
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

export interface ChildRun {
  readonly stdout: string;
  readonly stderr: string;
  /** What it wrote to descriptor 3. */
  readonly aside: string;
  /** From before it was started to when it had ended. */
  readonly milliseconds: number;
  /** To the first byte on stdout; NaN where there was none. */
  readonly firstByteMs: number;
}

/**
 * Runs a program to its end.
 * @throws ChildError when it cannot be started or ends with another status than 0; the signal's reason when aborted
 */
export async function runChild(
  program: string,
  args: readonly string[],
  { signal, env = process.env }: ChildOptions,
): Promise<ChildRun> {
  signal.throwIfAborted();
  const command = [program, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, { env, signal, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '', aside: '' };
    let firstByteMs = Number.NaN;
    let exitMs = Number.NaN;
    child.stdout?.once('data', () => {
      firstByteMs = performance.now() - start;
    });
    const pipes = { stdout: child.stdout, stderr: child.stderr, aside: child.stdio[3] };
    for (const [name, pipe] of Object.entries(pipes)) {
      pipe?.on('data', chunk => {
        texts[name as keyof typeof texts] += chunk;
      });
    }
    child.once('error', error => {
      reject(signal.aborted ? signal.reason : new ChildError(command, 'cannot be run', error.message, error));
    });
    child.once('exit', () => {
      exitMs = performance.now() - start;
    });
    child.once('close', (status, killedBy) => {
      if (status === 0) resolve({ ...texts, milliseconds: exitMs, firstByteMs });
      else
        reject(new ChildError(command, `ended with ${killedBy ?? `status ${status}`}`, texts.stderr.trim()));
    });
  });
}

/** A script of this package's `children` folder. */
export function childScript(name: string): string {
  return fileURLToPath(new URL(`children/${name}.js`, import.meta.url));
}

/** The script of a command of the repository's: `commandScript('converter', 'convert-weights')`. */
export function commandScript(workspacePackage: string, command: string): string {
  // From bench/dist/src.
  return fileURLToPath(new URL(`../../../packages/${workspacePackage}/bin/${command}.js`, import.meta.url));
}
