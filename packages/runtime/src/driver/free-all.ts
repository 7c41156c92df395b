import type { DmaBuffer } from './driver.js';

/** Frees every buffer, the others also when one cannot be. @throws the first failure */
export function freeAll(buffers: Iterable<DmaBuffer>): void {
  const failures: unknown[] = [];
  for (const buffer of [...buffers]) {
    try {
      buffer.free();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Frees what a failed step leaves behind. Its failure is the one to tell: one of freeing is not thrown. */
export function freeAfterFailure(buffers: Iterable<DmaBuffer>): void {
  try {
    freeAll(buffers);
  } catch {
    // closing the device's file frees what is left
  }
}
