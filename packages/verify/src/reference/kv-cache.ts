import { headSize, type ModelConfig } from '@npu-llama/format';

/** Keys and values of one layer for every position so far. */
export interface LayerCache {
  /** [kvHeadCount][capacity][headSize] f32: one head's keys are the rows of a matrix. */
  readonly keys: Float32Array;
  /** As keys. */
  readonly values: Float32Array;
  /** Positions that there is room for. */
  readonly capacity: number;
}

/** An empty cache of one layer. */
export function createLayerCache(config: ModelConfig, capacity: number): LayerCache {
  const elements = config.kvHeadCount * capacity * headSize(config);
  return { keys: new Float32Array(elements), values: new Float32Array(elements), capacity };
}

/**
 * Writes what one position adds.
 * @param vector [kvHeadCount][headSize] f32
 * @param into the cache's keys or values
 */
export function store(
  vector: Float32Array,
  into: Float32Array,
  position: number,
  capacity: number,
  size: number,
): void {
  for (let head = 0; head * size < vector.length; head++) {
    into.set(vector.subarray(head * size, (head + 1) * size), (head * capacity + position) * size);
  }
}
