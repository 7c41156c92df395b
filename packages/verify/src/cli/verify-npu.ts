import { inspect } from 'node:util';
import { ExitStatus } from '@npu-llama/format';
import { runCommand, shellQuoted } from '@npu-llama/format/cli';
import type { OpenNpu } from '../npu/npu-under-test.js';
import { INTERNAL_ERROR } from './internal-error.js';
import { parseOptions } from './parse-options.js';
import { runOptions } from './run-options.js';

/**
 * The command verify-npu.
 * @param argv the arguments behind the command's name
 * @returns the exit status: an ExitStatus, 130 or 143 where a signal ended it, INTERNAL_ERROR where we did
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await command(argv);
  } catch (error) {
    process.stderr.write(`${inspect(error)}\n`);
    return INTERNAL_ERROR;
  }
}

function command(argv: readonly string[]): Promise<number> {
  const body = async (signal: AbortSignal): Promise<number> => {
    const options = await parseOptions(argv);
    if (options === undefined) return ExitStatus.fine;
    return runOptions(options, openNpu, signal, ['verify-npu', ...argv.map(shellQuoted)].join(' '));
  };
  return runCommand('verify-npu', body);
}

/** Loads the runtime, its FFI and the simulator no sooner than they are needed: a usage error does not wait for them. */
const openNpu: OpenNpu = async options => {
  const { openRuntimeNpu } = await import('../npu/runtime-npu.js');
  return openRuntimeNpu(options);
};
