import type { LayerCache } from './kv-cache.js';
import { matVec } from './mat-vec.js';
import { softmax } from './softmax.js';

const { fround } = Math;

/** How heads share keys and values. */
export interface HeadShape {
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
}

/**
 * Causal attention of one position over itself and all before: per head softmax(q . k_t / sqrt(headSize)), then the
 * sum of v_t so weighted, t ascending. Query head h reads key/value head floor(h * kvHeadCount / headCount).
 * @param out [headCount][headSize] f32
 * @param queries [headCount][headSize] f32, already turned by RoPE
 * @param cache holds positions 0 to `position`
 */
export function attend(
  out: Float32Array,
  queries: Float32Array,
  cache: LayerCache,
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
  const blocked = size - (size % COLUMNS_AT_ONCE);
  for (let i = 0; i < blocked; i += COLUMNS_AT_ONCE) fourColumns(out, weights, values, i);
  for (let i = blocked; i < size; i++) {
    let sum = fround(0);
    for (let t = 0; t < weights.length; t++) sum = fround(sum + fround(weights[t]! * values[t * size + i]!));
    out[i] = sum;
  }
}

/** Columns summed side by side: only local variables stay in registers. */
const COLUMNS_AT_ONCE = 4;

function fourColumns(out: Float32Array, weights: Float32Array, values: Float32Array, column: number): void {
  const size = out.length;
  let sum0 = fround(0);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
  let at = column;
  for (let t = 0; t < weights.length; t++) {
    const weight = weights[t]!;
    sum0 = fround(sum0 + fround(weight * values[at]!));
    sum1 = fround(sum1 + fround(weight * values[at + 1]!));
    sum2 = fround(sum2 + fround(weight * values[at + 2]!));
    sum3 = fround(sum3 + fround(weight * values[at + 3]!));
    at += size;
  }
  out[column] = sum0;
  out[column + 1] = sum1;
  out[column + 2] = sum2;
  out[column + 3] = sum3;
}
