import { readdirSync, readlinkSync } from 'node:fs';
import {
  decodeSimulatorStats,
  SIMULATOR_ENTRY_POINTS,
  SIMULATOR_STATS_BYTES,
  type SimulatorStats,
  simulatorLibraryPath,
} from '@npu-llama/simulator';
import koffi from 'koffi';

// A second way into the library that the runtime has loaded: the same device behind both, whatever the runtime's adapter.
const library = koffi.load(simulatorLibraryPath());
const native = {
  stats: library.func(`int ${SIMULATOR_ENTRY_POINTS.stats}(void *, size_t)`),
  resetStats: library.func(`void ${SIMULATOR_ENTRY_POINTS.resetStats}()`),
  configure: library.func(`int ${SIMULATOR_ENTRY_POINTS.configure}(const char *)`),
  close: library.func(`int ${SIMULATOR_ENTRY_POINTS.close}(int)`),
};

// The device stays for the files of tests that follow in this process: no plan of this one is left in force. (A child process that
// imports this has no jest.)
const { afterAll } = globalThis as { readonly afterAll?: (body: () => void) => void };
afterAll?.(() => {
  native.configure(process.env['NPU_SIM'] ?? '');
});

/** Puts a plan in force (the simulator's README) and zeroes the counters; `log=0` keeps what is provoked off the output. */
export function simulate(plan = ''): void {
  inject(plan);
  native.resetStats();
  before = allStats();
}

/** Puts a plan in force in the middle of a test: calls are counted from here, the counters go on. */
export function inject(plan: string): void {
  if (native.configure(plan === '' ? 'log=0' : `log=0,${plan}`) !== 0) throw new Error(`bad plan: ${plan}`);
}

function allStats(): SimulatorStats {
  const bytes = new Uint8Array(SIMULATOR_STATS_BYTES);
  if (native.stats(bytes, bytes.length) !== 0) throw new Error('no stats');
  return decodeSimulatorStats(bytes);
}

/** What is live already: the library stays loaded from one file of tests to the next, and others may have left something. */
let before = allStats();

/** The counters since simulate(): what is live does not count what was live then. */
export function simulatorStats(): SimulatorStats {
  const all = allStats();
  return {
    ...all,
    liveMappings: all.liveMappings - before.liveMappings,
    liveBuffers: all.liveBuffers - before.liveBuffers,
    liveBufferBytes: all.liveBufferBytes - before.liveBufferBytes,
    peakBufferBytes: all.peakBufferBytes - before.liveBufferBytes,
  };
}

/** What was left behind in the simulated device since simulate(). */
export function leftBehind() {
  const { opens, closes, liveBuffers, leakedBuffers, liveMappings } = simulatorStats();
  return { openFiles: opens - closes, liveBuffers, leakedBuffers, liveMappings };
}

export const NOTHING = { openFiles: 0n, liveBuffers: 0n, leakedBuffers: 0n, liveMappings: 0n } as const;

/** Closes what a killed worker thread left open, as the end of its process would: other files of tests share the device. */
export function closeLeftFiles(): void {
  for (const fd of readdirSync('/proc/self/fd')) {
    if (targetOf(fd)?.startsWith('/memfd:npu-sim')) native.close(Number(fd));
  }
}

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // readdir's own
  }
}
