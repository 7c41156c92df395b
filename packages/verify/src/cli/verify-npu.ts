import { ExitStatus } from '@npu-llama/format';
import { runCommand } from '@npu-llama/format/cli';
import type { OpenNpu } from '../npu/npu-under-test.js';
import { runCheck } from './commands/check.js';
import { runMerge } from './commands/merge.js';
import { runRecord } from './commands/record.js';
import { runVerify } from './commands/verify.js';
import type { Options } from './options.js';
import { parseOptions } from './parse-options.js';

/**
 * The command verify-npu.
 * @param argv the arguments behind the command's name
 * @returns the exit status: an ExitStatus, or 130 or 143 where a signal ended it
 */
export async function main(argv: readonly string[]): Promise<number> {
  return runCommand('verify-npu', async signal => {
    const options = await parseOptions(argv);
    if (options === undefined) return ExitStatus.fine;
    return run(options, signal, ['verify-npu', ...argv.map(quoted)].join(' '));
  });
}

function run(options: Options, signal: AbortSignal, commandLine: string): Promise<number> {
  switch (options.kind) {
    case 'verify':
      return runVerify(options, openNpu, signal, commandLine);
    case 'check':
      return runCheck(options, openNpu, signal, commandLine);
    case 'record':
      return runRecord(options, signal);
    case 'merge':
      return runMerge(options);
  }
}

/** Loads the runtime, its FFI and the simulator no sooner than they are needed: a usage error does not wait for them. */
const openNpu: OpenNpu = async options => {
  const { openRuntimeNpu } = await import('../npu/runtime-npu.js');
  return openRuntimeNpu(options);
};

/** An argument as a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}
