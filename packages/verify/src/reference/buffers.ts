import { kvDim, type ModelConfig } from '@npu-llama/format';

/** What a batch's pass writes, allocated once; all f32, one row a position. */
export interface Buffers {
  readonly batch: number;
  /** [batch][dim] the residual stream */
  readonly x: Float32Array;
  /** [batch][dim] */
  readonly normed: Float32Array;
  /** [batch][headCount][headSize] */
  readonly queries: Float32Array;
  /** [batch][kvHeadCount][headSize] */
  readonly keys: Float32Array;
  /** [batch][kvHeadCount][headSize] */
  readonly values: Float32Array;
  /** [batch][headCount][headSize] */
  readonly heads: Float32Array;
  /** [batch][dim] what a block adds to x */
  readonly update: Float32Array;
  /** [batch][hiddenDim] */
  readonly gate: Float32Array;
  /** [batch][hiddenDim] */
  readonly up: Float32Array;
}

/** Buffers for a batch of so many positions. */
export function createBuffers({ dim, hiddenDim, ...config }: ModelConfig, batch: number): Buffers {
  const kv = kvDim({ dim, hiddenDim, ...config });
  const floats = (size: number): Float32Array => new Float32Array(batch * size);
  return {
    batch,
    x: floats(dim),
    normed: floats(dim),
    queries: floats(dim),
    keys: floats(kv),
    values: floats(kv),
    heads: floats(dim),
    update: floats(dim),
    gate: floats(hiddenDim),
    up: floats(hiddenDim),
  };
}

/** The rows of a batch's matrix, as views. */
export function rowsOf(matrix: Float32Array, batch: number): Float32Array[] {
  const size = matrix.length / batch;
  return Array.from({ length: batch }, (_, b) => matrix.subarray(b * size, (b + 1) * size));
}
