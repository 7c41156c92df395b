/** Counters in the order of struct npu_sim_stats (native/stats.h), each an unsigned 64-bit little-endian number. */
export const SIMULATOR_STATS_FIELDS = [
  'opens',
  'closes',
  'ioctls',
  'submits',
  'tasks',
  'macs',
  'featureBytesRead',
  'weightBytesRead',
  'programBytesRead',
  'bytesRead',
  'bytesWritten',
  'syncsToDevice',
  'syncBytesToDevice',
  'syncsFromDevice',
  'syncBytesFromDevice',
  'allocations',
  'liveBuffers',
  'liveBufferBytes',
  'peakBufferBytes',
  'leakedBuffers',
  'leakedBufferBytes',
  'liveMappings',
  'refusals',
  'timeouts',
  'faultsInjected',
  'resets',
  'busyNanoseconds',
] as const;

export type SimulatorStats = Readonly<Record<(typeof SIMULATOR_STATS_FIELDS)[number], bigint>>;

const COUNTER_BYTES = 8;

/** Size of the memory that npu_sim_stats fills. */
export const SIMULATOR_STATS_BYTES = SIMULATOR_STATS_FIELDS.length * COUNTER_BYTES;

/** The counters that npu_sim_stats wrote to `bytes`. */
export function decodeSimulatorStats(bytes: Uint8Array): SimulatorStats {
  if (bytes.byteLength < SIMULATOR_STATS_BYTES)
    throw new RangeError(
      `simulator stats: ${bytes.byteLength} bytes, expected at least ${SIMULATOR_STATS_BYTES}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = SIMULATOR_STATS_FIELDS.map((name, index) => [
    name,
    view.getBigUint64(index * COUNTER_BYTES, true),
  ]);
  return Object.fromEntries(entries) as SimulatorStats;
}
