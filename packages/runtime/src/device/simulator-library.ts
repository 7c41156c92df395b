import { SimulatorBuildError, simulatorLibraryPath } from '@npu-llama/simulator';
import { DeviceError } from '../errors.js';

/**
 * The simulated device as a library to load; built first where it is not there.
 * @throws DeviceError when it cannot be built
 */
export function simulatorLibrary(): string {
  try {
    return simulatorLibraryPath();
  } catch (error) {
    if (!(error instanceof SimulatorBuildError)) throw error;
    throw new DeviceError(`no simulated device: ${error.message}`, { cause: error });
  }
}
