import type { InputFile } from '../file-io.js';

/** Bytes of a file. */
export interface FileRange {
  /** From the start of the file. */
  readonly position: number;
  readonly bytes: number;
}

/** Enough for a disk to have its next request while one is worked on; more does not get faster (measured 2 to 8). */
const READS_AHEAD = 3;

/**
 * Reads ranges of a file in threads, a few at a time, and hands them out in their order. A chunk is only there until the next
 * one is asked for. No read is under way any more when the iteration ends, however it ends.
 * @throws FileError when a range cannot be read
 */
export async function* readAhead<R extends FileRange>(
  file: InputFile,
  ranges: readonly R[],
): AsyncGenerator<{ readonly range: R; readonly chunk: Uint8Array }, void, void> {
  const largest = ranges.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  const slots = Array.from({ length: Math.min(READS_AHEAD, ranges.length) }, () => new Uint8Array(largest));
  const reads: Promise<Uint8Array>[] = [];
  const start = (index: number): void => {
    const range = ranges[index];
    if (range === undefined) return;
    const chunk = slots[index % slots.length]!.subarray(0, range.bytes);
    const read = file.readAsync(chunk, range.position).then(() => chunk);
    // Seen when its turn comes; until then a failure must not count as one that nobody handles.
    read.catch(() => {});
    reads.push(read);
  };
  try {
    for (const index of slots.keys()) start(index);
    for (const [index, range] of ranges.entries()) {
      yield { range, chunk: await reads.shift()! };
      start(index + slots.length);
    }
  } finally {
    await Promise.allSettled(reads);
  }
}
