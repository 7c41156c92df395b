import type { DmaBuffer } from './driver.js';

/** Takes every step, the others also when one fails. @throws the first failure */
export function runAll(steps: Iterable<() => void>): void {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Frees every buffer, the others also when one cannot be. @throws the first failure */
export function freeAll(buffers: Iterable<DmaBuffer>): void {
  runAll(Array.from(buffers, buffer => () => buffer.free()));
}

/** Frees what a failed step leaves behind. Its failure is the one to tell: one of freeing is not thrown. */
export function freeAfterFailure(buffers: Iterable<DmaBuffer>): void {
  try {
    freeAll(buffers);
  } catch {
    // closing the device's file frees what is left
  }
}
