/** No compiler, or it failed; the message has its output and what to install. */
export class SimulatorBuildError extends Error {
  override name: 'SimulatorBuildError';
}
/** Builds the library unless it is there and current; returns its absolute path. */
export function buildLibrary(options?: { warningsAreErrors?: boolean }): string;
