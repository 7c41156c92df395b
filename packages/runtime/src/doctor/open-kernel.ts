import { SIMULATOR_ENTRY_POINTS, SimulatorBuildError, simulatorLibraryPath } from '@npu-llama/simulator';
import type { Kernel } from '../driver/kernel.js';
import { tracedIfAsked } from '../driver/tracing-kernel.js';
import { DeviceError } from '../errors.js';
import type { FfiAdapter } from '../ffi/adapter.js';
import type { DoctorContext } from './context.js';

/**
 * The kernel behind the adapter, or the simulated device's entry points.
 * @throws DeviceError when the simulated device cannot be built
 */
export async function openKernel(adapter: FfiAdapter, { kind, options }: DoctorContext): Promise<Kernel> {
  // Loads koffi, whichever adapter is used: no sooner than that is known to work.
  const { LIBC_NAMES, NativeKernel } = await import('../driver/native-kernel.js');
  const kernel =
    kind === 'sim'
      ? new NativeKernel(adapter, simulatorLibrary(), SIMULATOR_ENTRY_POINTS)
      : new NativeKernel(adapter, null, LIBC_NAMES);
  return tracedIfAsked(options.kernel === undefined ? kernel : options.kernel(kernel));
}

function simulatorLibrary(): string {
  try {
    return simulatorLibraryPath();
  } catch (error) {
    if (!(error instanceof SimulatorBuildError)) throw error;
    throw new DeviceError(`no simulated device: ${error.message}`, { cause: error });
  }
}
