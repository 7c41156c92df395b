import { buildLibrary, SimulatorBuildError } from '#native/build';

export { SimulatorBuildError };

/**
 * Compiles the simulated device with the system's C compiler (CC, else cc) unless it is built and current.
 * Returns the library's absolute path; throws SimulatorBuildError with the compiler's output.
 */
export function buildSimulator(): string {
  return buildLibrary();
}

let built: string | undefined;

/** Absolute path of the simulated device's shared library, built first when it is missing or out of date. */
export function simulatorLibraryPath(): string {
  built ??= buildSimulator();
  return built;
}
