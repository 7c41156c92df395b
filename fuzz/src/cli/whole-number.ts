import { UsageError } from '@npu-llama/format';

/**
 * Refuses an option that is no whole number from `least` on: with a NaN nothing would be tried, and nothing found.
 * @throws UsageError
 */
export function requireWholeNumber(option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw new UsageError(`impossible ${option}`, {
    got: String(value),
    wanted: `a whole number from ${least} on`,
    next: 'see --help',
  });
}
