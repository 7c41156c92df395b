import {
  decodeSimulatorStats,
  SIMULATOR_ENTRY_POINTS,
  SIMULATOR_STATS_BYTES,
  simulatorLibraryPath,
} from '@npu-llama/simulator';
import koffi from 'koffi';

/** What is measured of a process and of its simulated device. */
export const MEASURES = [
  'rss',
  'heapUsed',
  'arrayBuffers',
  'liveBufferBytes',
  'liveBuffers',
  'liveMappings',
  'openFiles',
] as const;
export type Measure = (typeof MEASURES)[number];

/** Memory at one moment: bytes, and for the last three of MEASURES how many there are. */
export interface MemorySample extends Readonly<Record<Measure, number>> {
  /** Loads or tokens so far. */
  readonly done: number;
}

/** Reads the counters of the simulated device in this process: the one that the runtime has open. */
export class MemoryMeter {
  readonly #stats = koffi
    .load(simulatorLibraryPath())
    .func(`int ${SIMULATOR_ENTRY_POINTS.stats}(void *, size_t)`);
  readonly samples: MemorySample[] = [];

  /** Takes a sample, after a garbage collection where the process was started with --expose-gc: what is garbage is no leak. */
  sample(done: number): void {
    globalThis.gc?.();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const bytes = new Uint8Array(SIMULATOR_STATS_BYTES);
    if (this.#stats(bytes, bytes.length) !== 0) throw new Error('the simulated device has no counters');
    const { liveBufferBytes, liveBuffers, liveMappings, opens, closes } = decodeSimulatorStats(bytes);
    this.samples.push({
      done,
      rss,
      heapUsed,
      arrayBuffers,
      liveBufferBytes: Number(liveBufferBytes),
      liveBuffers: Number(liveBuffers),
      liveMappings: Number(liveMappings),
      openFiles: Number(opens - closes),
    });
  }
}
