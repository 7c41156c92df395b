import type { OpenNpu } from '../npu/npu-under-test.js';
import { runCheck } from './commands/check.js';
import { runMerge } from './commands/merge.js';
import { runRecord } from './commands/record.js';
import { runVerify } from './commands/verify.js';
import type { Options } from './options.js';

/**
 * Runs a command line that was read.
 * @param commandLine the same as text, for the report
 * @returns the exit status
 */
export function runOptions(
  options: Options,
  openNpu: OpenNpu,
  signal: AbortSignal,
  commandLine: string,
): Promise<number> {
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
