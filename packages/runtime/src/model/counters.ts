/** What a model did so far, for statistics; only ever counts up. */
export interface ModelCounters {
  /** Jobs given to the driver. */
  submits: number;
  /** Cache maintenance calls. */
  syncs: number;
  /** Bytes of activations written to DMA memory. */
  bytesToDevice: number;
  /** Bytes of results read from DMA memory. */
  bytesFromDevice: number;
  /** Time within the driver's submit and sync calls. */
  deviceMs: number;
}

export function newCounters(): ModelCounters {
  return { submits: 0, syncs: 0, bytesToDevice: 0, bytesFromDevice: 0, deviceMs: 0 };
}
