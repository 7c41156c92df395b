import { matVec } from './mat-vec.js';
import { softmax } from './softmax.js';

const { fround } = Math;

/** How heads share keys and values. */
export interface HeadShape {
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
}

/** Keys and values of every position so far. */
export interface PlainCache {
  /** [kvHeadCount][capacity][headSize] f32: one head's keys are the rows of a matrix. */
  readonly keys: Float32Array;
  /** As keys. */
  readonly values: Float32Array;
  /** Positions that there is room for. */
  readonly capacity: number;
}

/**
 * What LayerCache.attend of kv-cache.ts computes, in plain TypeScript. Causal attention of one position over itself and all before: per head softmax(q . k_t / sqrt(headSize)), then the
 * sum of v_t so weighted, t ascending. Query head h reads key/value head floor(h * kvHeadCount / headCount).
 * @param out [headCount][headSize] f32
 * @param queries [headCount][headSize] f32, already turned by RoPE
 * @param cache holds positions 0 to `position`
 */
export function attendPlain(
  out: Float32Array,
  queries: Float32Array,
  cache: PlainCache,
  position: number,
  shape: HeadShape,
): void {
  const { headCount, kvHeadCount, headSize } = shape;
  const scale = fround(Math.sqrt(headSize));
  const weights = new Float32Array(position + 1);
  for (let head = 0; head < headCount; head++) {
    const kvHead = Math.floor((head * kvHeadCount) / headCount);
    const start = kvHead * cache.capacity * headSize;
    const end = start + (position + 1) * headSize;
    const from = head * headSize;
    matVec(weights, queries.subarray(from, from + headSize), cache.keys.subarray(start, end));
    for (let t = 0; t <= position; t++) weights[t] = weights[t]! / scale;
    softmax(weights);
    weightedSum(out.subarray(from, from + headSize), weights, cache.values.subarray(start, end));
  }
}

/**
 * @param out [headSize] f32
 * @param weights [positions] f32
 * @param values [positions][headSize] f32
 */
function weightedSum(out: Float32Array, weights: Float32Array, values: Float32Array): void {
  const size = out.length;
  for (let i = 0; i < size; i++) {
    let sum = fround(0);
    for (let t = 0; t < weights.length; t++) sum = fround(sum + fround(weights[t]! * values[t * size + i]!));
    out[i] = sum;
  }
}
