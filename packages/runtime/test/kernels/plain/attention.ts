import type { AttentionShape } from '../../../src/kernels/index.js';
import { softmax } from './softmax.js';

/**
 * Causal attention of one position over all up to it.
 *
 * @param out [headCount][headSize] f32, from element `outAt`
 * @param query [headCount][headSize] f32, from element `queryAt`
 * @param keys, values [positions][kvHeadCount][headSize] f32, from element `cacheAt`: one layer's cache
 * @param scores scratch, at least position + 1
 */
export function attention(
  out: Float32Array,
  outAt: number,
  query: Float32Array,
  queryAt: number,
  keys: Float32Array,
  values: Float32Array,
  cacheAt: number,
  position: number,
  scores: Float32Array,
  { headCount, kvHeadCount, headSize }: AttentionShape,
): void {
  const kvDim = kvHeadCount * headSize;
  const headsPerKvHead = headCount / kvHeadCount;
  const scale = 1 / Math.sqrt(headSize);
  for (let head = 0; head < headCount; head++) {
    const q = queryAt + head * headSize;
    const kvHead = cacheAt + Math.floor(head / headsPerKvHead) * headSize;
    for (let t = 0; t <= position; t++) {
      const k = kvHead + t * kvDim;
      let dot = 0;
      for (let i = 0; i < headSize; i++) dot += query[q + i]! * keys[k + i]!;
      scores[t] = dot * scale;
    }
    softmax(scores, position + 1);
    const o = outAt + head * headSize;
    out.fill(0, o, o + headSize);
    for (let t = 0; t <= position; t++) {
      const v = kvHead + t * kvDim;
      const weight = scores[t]!;
      for (let i = 0; i < headSize; i++) out[o + i] = out[o + i]! + weight * values[v + i]!;
    }
  }
}
