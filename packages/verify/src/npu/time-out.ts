/**
 * Whether a job did not end in time: after reset() it can be run again. Told by what the error says of itself, so that a
 * stand-in for the NPU can say it, too.
 */
export function isTimeOut(error: unknown): boolean {
  return error instanceof Error && 'timedOut' in error && error.timedOut === true;
}
