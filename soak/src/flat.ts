import { MEASURES, type Measure, type MemorySample } from './memory.js';

const MIB = 2 ** 20;

/**
 * By how much the last third's median may lie above the first third's. RSS moves as the allocator gives pages back when it
 * likes; a leak of 1 KiB a load is 1.3 MiB between the thirds of 2,000. What the device holds is counted, and exact.
 */
export const ALLOWED_GROWTH: Readonly<Record<Measure, number>> = {
  rss: 8 * MIB,
  heapUsed: 1 * MIB,
  arrayBuffers: 1 * MIB,
  liveBufferBytes: 0,
  liveBuffers: 0,
  liveMappings: 0,
  openFiles: 0,
};

/** Samples at the beginning that do not count: code is compiled, pools are filled. */
const WARM_UP = 0.2;

export interface Growth {
  readonly measure: Measure;
  /** Medians of the first and of the last third behind the warm-up. */
  readonly first: number;
  readonly last: number;
  readonly allowed: number;
  readonly isFlat: boolean;
}

/** Compares the last third of a run with its first, measure by measure. @throws RangeError for fewer than 10 samples */
export function growthOf(samples: readonly MemorySample[]): Growth[] {
  if (samples.length < 10)
    throw new RangeError(`${samples.length} samples show no growth, wanted at least 10`);
  const steady = samples.slice(Math.ceil(samples.length * WARM_UP));
  const third = Math.floor(steady.length / 3);
  return MEASURES.map(measure => {
    const values = steady.map(sample => sample[measure]);
    const first = median(values.slice(0, third));
    const last = median(values.slice(-third));
    const allowed = ALLOWED_GROWTH[measure];
    return { measure, first, last, allowed, isFlat: last - first <= allowed };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
