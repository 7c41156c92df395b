import { NpuFile, ToolkitError } from '@npu-llama/format';
import { runCheck } from '../../../src/cli/commands/check.js';
import { runRecord } from '../../../src/cli/commands/record.js';
import { runVerify } from '../../../src/cli/commands/verify.js';
import { parseOptions } from '../../../src/cli/parse-options.js';
import type { OpenNpu } from '../../../src/npu/npu-under-test.js';
import { openRuntimeNpuWith } from '../../../src/npu/runtime-npu.js';
import type { VerifyReport } from '../../../src/report/index.js';
import { Board } from './board.js';
import type { Fault, ModelPaths } from './fault.js';
import { FaultyKernel } from './faulty-kernel.js';
import { replaceMethod, undoPatches } from './patches.js';
import { simulate } from './simulator.js';

/** What a run of verify-npu came to: a report, or the error that there is instead of one. */
export interface Run {
  readonly status: number;
  readonly report: VerifyReport | undefined;
  readonly error: string | undefined;
}

/** Runs verify-npu in this process, with a fault. @param args but for the device's and the report's */
export async function runWith(
  fault: Pick<Fault, 'arm' | 'patch'>,
  { model }: ModelPaths,
  args: readonly string[],
): Promise<Run> {
  simulate();
  const output = await silenced(async () => {
    fault.patch?.();
    try {
      return { status: await run([...args, '--device', 'sim', '--json'], armedWith(fault, model)) };
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error;
      return { status: error.exitStatus, error: error.message };
    }
  });
  const { status, error } = output.result;
  const report = error === undefined ? (JSON.parse(output.stdout) as VerifyReport) : undefined;
  return { status, report, error: error ?? report?.runs[0]?.error?.message };
}

/** Runs `verify-npu record`. */
export async function record(args: readonly string[]): Promise<void> {
  await silenced(() => run(['record', ...args], () => Promise.reject(new Error('no device'))));
}

async function run(args: readonly string[], openNpu: OpenNpu): Promise<number> {
  const options = await parseOptions(args);
  const { signal } = new AbortController();
  switch (options?.kind) {
    case 'verify':
      return runVerify(options, openNpu, signal, 'verify-npu');
    case 'check':
      return runCheck(options, openNpu, signal, 'verify-npu');
    case 'record':
      return runRecord(options, signal);
    default:
      throw new Error(`not a command that is tried here: ${args.join(' ')}`);
  }
}

/** Keeps what is printed off the terminal. */
async function silenced<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly stdout: string }> {
  const printed: string[] = [];
  replaceMethod(process.stdout, 'write', text => printed.push(String(text)) > 0);
  replaceMethod(process.stderr, 'write', () => true);
  try {
    return { result: await work(), stdout: printed.join('') };
  } finally {
    undoPatches();
  }
}

/** Opens the device with something in between, and arms the fault once the model is loaded and the device has passed. */
function armedWith({ arm }: Pick<Fault, 'arm'>, path: string): OpenNpu {
  return async options => {
    let kernel!: FaultyKernel;
    const open = openRuntimeNpuWith({
      kernel: inner => {
        kernel = new FaultyKernel(inner);
        return kernel;
      },
    });
    const npu = await open(options);
    using file = NpuFile.open(path);
    arm?.(new Board(npu, kernel, file.matrices));
    return npu;
  };
}
