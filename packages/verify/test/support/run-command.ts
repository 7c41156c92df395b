import { jest } from '@jest/globals';
import { parseOptions } from '../../src/cli/parse-options.js';
import { runOptions } from '../../src/cli/run-options.js';
import type { OpenNpu, OpenNpuOptions } from '../../src/npu/npu-under-test.js';

export interface CommandRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What devices were asked for. */
  readonly asked: readonly OpenNpuOptions[];
}

/** What a command that threw had asked for and printed until then. */
export class CommandError extends Error {
  constructor(
    readonly error: unknown,
    readonly run: Omit<CommandRun, 'status'>,
  ) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Runs a command line in this process, with another device than the runtime's.
 * @throws CommandError around whatever the command throws
 */
export async function runCommandLine(
  argv: readonly string[],
  openNpu: OpenNpu,
  signal: AbortSignal = new AbortController().signal,
): Promise<CommandRun> {
  const asked: OpenNpuOptions[] = [];
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(name =>
    jest.spyOn(process[name], 'write').mockImplementation(text => {
      printed[name] += text;
      return true;
    }),
  );
  const open: OpenNpu = options => {
    asked.push(options);
    return openNpu(options);
  };
  try {
    const status = await run(argv, open, signal);
    return { status, ...printed, asked };
  } catch (error) {
    throw new CommandError(error, { ...printed, asked });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function run(argv: readonly string[], openNpu: OpenNpu, signal: AbortSignal): Promise<number> {
  const options = await parseOptions(argv);
  return options === undefined ? 0 : runOptions(options, openNpu, signal, ['verify-npu', ...argv].join(' '));
}
