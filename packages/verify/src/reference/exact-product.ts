import { MAX_COLUMNS } from './kernel-memory.js';
import { roundToHalf, roundWeightToHalf } from './round-half.js';
import { withKernels } from './staging.js';

/** What an NPU's product is held against. */
export interface ExactProduct {
  /** [batch][rows] f64 */
  readonly sums: Float64Array;
  /** [batch][rows] f64: of the absolute values of what was summed */
  readonly magnitudes: Float64Array;
}

/**
 * The product of FP16-rounded weights and FP16-rounded inputs, each summed in double: exact products, columns ascending.
 * The magnitudes bound what another order of summing, or float32 sums, may make of it: |got - sum| <= c * magnitude.
 * @param weights [rows][columns] f32, clamped to +-65504
 * @param input [batch][columns] f32; from 65520 on infinite
 */
export function exactProduct(weights: Float32Array, input: Float32Array, batch: number): ExactProduct {
  const columns = input.length / batch;
  const rows = weights.length / columns;
  if (!Number.isInteger(columns) || !Number.isInteger(rows)) {
    throw new RangeError(`${weights.length} weights for a batch of ${batch} with ${input.length} inputs`);
  }
  const x = input.map(roundToHalf);
  if (columns > MAX_COLUMNS) return exactProductPlain(weights, x, batch);
  const sums = new Float64Array(batch * rows);
  const magnitudes = new Float64Array(batch * rows);
  const product = { input: x, batch, columns, rows, firstRow: 0, rowCount: rows };
  withKernels(weights, product, (memory, some, part) => memory.multiplyExactly(some, part, sums, magnitudes));
  return { sums, magnitudes };
}

/**
 * What exactProduct computes, in plain TypeScript.
 * @param halves [batch][columns] the inputs, rounded
 */
export function exactProductPlain(weights: Float32Array, halves: Float32Array, batch: number): ExactProduct {
  const columns = halves.length / batch;
  const rows = weights.length / columns;
  const sums = new Float64Array(batch * rows);
  const magnitudes = new Float64Array(batch * rows);
  const rounded = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) rounded[c] = roundWeightToHalf(weights[row * columns + c]!);
    for (let b = 0; b < batch; b++) {
      let sum = 0;
      let magnitude = 0;
      for (let c = 0; c < columns; c++) {
        const product = rounded[c]! * halves[b * columns + c]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      sums[b * rows + row] = sum;
      magnitudes[b * rows + row] = magnitude;
    }
  }
  return { sums, magnitudes };
}
