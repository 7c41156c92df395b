import { ExitStatus } from '@npu-llama/format';
import { runCommand, shellQuoted } from '@npu-llama/format/cli';
import type { OpenNpu } from '../npu/npu-under-test.js';
import { parseOptions } from './parse-options.js';
import { runOptions } from './run-options.js';

/**
 * The command verify-npu.
 * @param argv the arguments behind the command's name
 * @returns the exit status: an ExitStatus, or 128 + the number of the signal that ended it
 */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand('verify-npu', async signal => {
    const options = await parseOptions(argv);
    if (options === undefined) return ExitStatus.fine;
    return runOptions(options, openNpu, signal, ['verify-npu', ...argv.map(shellQuoted)].join(' '));
  });
}

/** Loads the runtime, its FFI and the simulator no sooner than they are needed: a usage error does not wait for them. */
const openNpu: OpenNpu = async options => {
  const { openRuntimeNpu } = await import('../npu/runtime-npu.js');
  return openRuntimeNpu(options);
};
