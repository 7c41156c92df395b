import { SIMULATOR_ENTRY_POINTS } from '@npu-llama/simulator';
import { simulatorLibrary } from '../device/simulator-library.js';
import type { Kernel } from '../driver/kernel.js';
import { tracedIfAsked } from '../driver/tracing-kernel.js';
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
