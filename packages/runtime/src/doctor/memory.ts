import type { AllocateOptions, DmaBuffer } from '../driver/driver.js';
import { freeAfterFailure, freeAll } from '../driver/free-all.js';
import type { MemoryPlan } from '../model/memory-plan.js';
import { type Check, ok } from './check.js';
import { mib } from './units.js';

/** Without a model: one buffer of each kind that a model has. */
const SAMPLE: readonly AllocateOptions[] = [
  { label: 'weights', bytes: 8 * 2 ** 20, cache: 'write-combine' },
  { label: 'results', bytes: 2 ** 20, cache: 'cacheable' },
  { label: 'task records', bytes: 4096, cache: 'cacheable', kernelMapping: true },
];

/**
 * Allocates what a model would and frees it again: free contiguous memory may be in pieces that are too small, which no
 * figure of the kernel's shows.
 */
export const memoryCheck: Check = {
  id: 'memory',
  title: 'DMA memory',
  section: 'Memory',
  needs: ['open'],
  run: ({ opened: { driver }, options: { model } }) => {
    const wanted = model === undefined ? SAMPLE : buffersOf(model.plan);
    const planBytes = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
    const allocated: DmaBuffer[] = [];
    const start = performance.now();
    let end: number;
    try {
      for (const buffer of wanted) allocated.push(driver.allocate({ ...buffer, planBytes }));
      end = Math.max(...allocated.map(({ dmaAddress, bytes }) => dmaAddress + bytes.length));
    } catch (error) {
      freeAfterFailure(allocated);
      throw error;
    }
    freeAll(allocated);
    const ms = performance.now() - start;
    const whose = model === undefined ? 'for a try' : `of ${model.path}`;
    const detail = `${allocated.length} buffers ${whose}, ${mib(planBytes)}, below 4 GiB, allocated and freed in ${ms.toFixed(0)} ms`;
    return ok(detail, { buffers: allocated.length, bytes: planBytes, highestAddress: end, ms });
  },
};

function buffersOf({ weights, features, results, programs, tasks }: MemoryPlan): AllocateOptions[] {
  return [...weights, features, results, programs, tasks];
}
