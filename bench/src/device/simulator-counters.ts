import {
  decodeSimulatorStats,
  SIMULATOR_ENTRY_POINTS,
  SIMULATOR_STATS_BYTES,
  type SimulatorStats,
  simulatorLibraryPath,
} from '@npu-llama/simulator';
import koffi from 'koffi';
import type { TokenCounts } from '../results.js';

/** The simulated device's own counters, of everything that this process does with it. */
export class SimulatorCounters {
  readonly #read: (out: Uint8Array, bytes: number) => void;
  readonly #reset: () => void;

  constructor() {
    // The library that the runtime has loaded already: there is one of it a process.
    const library = koffi.load(simulatorLibraryPath());
    this.#read = library.func(`void ${SIMULATOR_ENTRY_POINTS.stats}(void *, size_t)`) as (
      out: Uint8Array,
      bytes: number,
    ) => void;
    this.#reset = library.func(`void ${SIMULATOR_ENTRY_POINTS.resetStats}(void)`) as () => void;
  }

  /** What the device did during a call. */
  async during(call: () => Promise<unknown>): Promise<SimulatorStats> {
    this.#reset();
    await call();
    const bytes = new Uint8Array(SIMULATOR_STATS_BYTES);
    this.#read(bytes, bytes.length);
    return decodeSimulatorStats(bytes);
  }
}

/** What one of `tokens` asked of the device. */
export function countsPerToken(stats: SimulatorStats, tokens: number, cores: number): TokenCounts {
  const each = (total: bigint): number => Number(total) / tokens;
  return {
    cores,
    submits: each(stats.submits),
    tasks: each(stats.tasks),
    macs: each(stats.macs),
    weightBytes: each(stats.weightBytesRead),
    featureBytes: each(stats.featureBytesRead),
    resultBytes: each(stats.bytesWritten),
    programBytes: each(stats.programBytesRead),
  };
}
