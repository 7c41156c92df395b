import { formatBytes, formatBytesExactly } from '@npu-llama/format';
import { DeviceError } from '../../errors.js';
import { DMA_WINDOW_BYTES } from '../../hardware/index.js';
import type { CmaInfo } from '../cma.js';
import { GONE } from './remedies.js';

export interface AllocationFailure {
  readonly label: string;
  readonly bytes: number;
  /** Of all that is to be allocated, where that is known. */
  readonly planBytes: number | undefined;
  readonly inUseBytes: number;
  readonly iommu: boolean;
  /** Undefined where the kernel does not say, or the device is simulated. */
  readonly cma: CmaInfo | undefined;
  /** `ENOMEM`. */
  readonly errno: string;
  readonly reason: string;
  readonly cause: unknown;
}

/** What gives a device more contiguous memory. */
export interface CmaRemedy {
  /** For memory that there is not enough of. @param parameter `cma=512M` */
  readonly more: (parameter: string) => string;
  /** For memory above 4 GiB. */
  readonly low: string;
}

export const KERNEL_CMA: CmaRemedy = {
  more: parameter => `boot with ${parameter} or more on the kernel command line`,
  low: 'place CMA low: cma=512M@0-4G on the kernel command line',
};

export const SIMULATED_CMA: CmaRemedy = {
  more: parameter => `simulate a device with more (NPU_SIM=${parameter})`,
  low: 'simulate a smaller address window (NPU_SIM=window=SIZE)',
};

const MIB = 2 ** 20;
/** A quarter of CMA to spare for other drivers. */
const SPARE = 1.25;

/** What owners of boards run into most, told with all that helps: who asked, for what, and what is left. */
export function allocationError(failure: AllocationFailure, cmaRemedy: CmaRemedy): DeviceError {
  const { label, bytes, planBytes, inUseBytes, iommu, cma } = failure;
  const ofPlan = planBytes === undefined ? '' : ` of ${formatBytes(planBytes)} in all`;
  const left = [`${formatBytes(inUseBytes)}${ofPlan} in use by this process`];
  if (cma !== undefined && !iommu)
    left.push(`CMA has ${formatBytes(cma.freeBytes)} of ${formatBytes(cma.totalBytes)} free`);
  left.push(`the 4 GiB window has at most ${formatBytes(DMA_WINDOW_BYTES - inUseBytes)} left`);
  return new DeviceError(
    `the driver refused ${formatBytesExactly(bytes)} of DMA memory for ${label}: ${failure.reason}; ${left.join(', ')}`,
    { next: remedy(failure, cmaRemedy), cause: failure.cause },
  );
}

function remedy(
  { errno, iommu, inUseBytes, bytes, planBytes }: AllocationFailure,
  cmaRemedy: CmaRemedy,
): string {
  if (errno === 'ENODEV') return GONE;
  if (errno !== 'ENOMEM' && errno !== 'EFAULT') return 'see docs/board-setup.md';
  if (iommu) return 'close other programs that use the NPU, or use a smaller model';
  const needed = Math.max(planBytes ?? 0, inUseBytes + bytes);
  return `close other programs that use the NPU, or ${cmaRemedy.more(cmaParameter(needed))}`;
}

/** The kernel parameter for an area that this much fits, `cma=512M`: in steps of 256 MiB, and not below 512. */
export function cmaParameter(neededBytes: number): string {
  return `cma=${Math.max(512, Math.ceil((neededBytes * SPARE) / (256 * MIB)) * 256)}M`;
}
