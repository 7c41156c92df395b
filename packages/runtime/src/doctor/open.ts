import { readCmaInfo } from '../driver/cma.js';
import type { Kernel } from '../driver/kernel.js';
import { KERNEL_CMA, SIMULATED_CMA } from '../driver/vendor/allocation-error.js';
import { ACTION, Action } from '../driver/vendor/uapi.js';
import { VendorDriver } from '../driver/vendor/vendor-driver.js';
import { type Check, ok } from './check.js';
import type { DoctorContext, ExaminedDevice } from './context.js';

/** @throws KernelError where the driver does not answer */
export function readAction(kernel: Kernel, fd: number, action: number): number {
  const argument = kernel.argument(ACTION).set({ flags: action });
  kernel.ioctl(fd, argument);
  return argument.get('value');
}

/** Opens the node for the checks that follow. Never on another chip, whose NPU would only hang. */
export const openCheck: Check = {
  id: 'open',
  title: 'opening',
  section: 'Driver',
  needs: ['chip', 'driver', 'node', 'permission'],
  run: context => {
    const { kernel, node } = context;
    if (kernel === undefined || node === undefined) throw new Error('no node behind the check "node"');
    const start = performance.now();
    context.device = open(context, kernel, node.path);
    const ms = performance.now() - start;
    const hardware = readAction(kernel, context.device.fd, Action.hardwareVersion);
    const hardwareVersion = `0x${hardware.toString(16)}`;
    return ok(`opened in ${ms.toFixed(1)} ms, hardware version ${hardwareVersion}`, { ms, hardwareVersion });
  },
};

/** Closes the node again when what follows its opening fails. */
function open({ simulated, files }: DoctorContext, kernel: Kernel, path: string): ExaminedDevice {
  const fd = kernel.open(path);
  try {
    const iommu = readAction(kernel, fd, Action.iommuEnabled) !== 0;
    const readCma = () => (simulated ? undefined : readCmaInfo(files.path('/proc/meminfo')));
    const cmaRemedy = simulated ? SIMULATED_CMA : KERNEL_CMA;
    const driver = new VendorDriver({ kernel, fd, description: `rknpu at ${path}`, readCma, cmaRemedy });
    return { kernel, fd, driver, iommu };
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}
