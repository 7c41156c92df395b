import { LAYOUT } from './kernel-memory.js';
import { GROUP_ROWS, type Kernels } from './kernels.js';

/** The kernels, by the number that they have on a job board. */
export const KERNELS = { fp32: 0, fp16: 1, exact: 2 } as const;

/** Weights of one memory, multiplied with the inputs that stand there; of every number there is an i32. */
export interface KernelJob {
  readonly kernel: (typeof KERNELS)[keyof typeof KERNELS];
  /** Address of [groups][columns][8] f32. */
  readonly weights: number;
  readonly groups: number;
  readonly columns: number;
  readonly batch: number;
  /** Groups that a thread computes at a time. */
  readonly unitGroups: number;
}

/** How many units a job has. */
export function unitsOf({ groups, unitGroups }: KernelJob): number {
  return Math.ceil(groups / unitGroups);
}

/**
 * Computes a unit of a job: outputs [batch][groups * 8], f32, or of `exact` f64: sums in the first half of the room, magnitudes in the second.
 * @param thread whose tile is worked in
 */
export function computeUnit(kernels: Kernels, job: KernelJob, unit: number, thread: number): void {
  const { kernel, columns, batch, unitGroups } = job;
  const first = unit * unitGroups;
  const groups = Math.min(unitGroups, job.groups - first);
  const weights = job.weights + first * columns * GROUP_ROWS * 4;
  const tile = LAYOUT.tile(thread);
  const { input, output } = LAYOUT;
  if (kernel === KERNELS.exact) {
    const sums = output + first * GROUP_ROWS * 8;
    const magnitudes = sums + LAYOUT.outputBytes / 2;
    const stride = job.groups * GROUP_ROWS * 8;
    kernels.multiplyExactly(weights, groups, columns, input, batch, sums, magnitudes, stride, tile);
    return;
  }
  const to = output + first * GROUP_ROWS * 4;
  const stride = job.groups * GROUP_ROWS * 4;
  kernels.multiply(weights, groups, columns, input, batch, to, stride, tile, kernel === KERNELS.fp16);
}
