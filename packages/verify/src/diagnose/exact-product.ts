import { floatToHalf, halfToFloat } from '@npu-llama/format';

/** Exact products of what the NPU multiplies, summed in double. */
export interface ExactProduct {
  /** [batch][rows] */
  readonly sums: Float64Array;
  /** [batch][rows]: sums of the terms' magnitudes, the yardstick for rounding errors. */
  readonly magnitudes: Float64Array;
}

/**
 * What the products should be.
 * @param weights [rows][columns] f32, values of FP16
 * @param input [batch][columns] f32, rounded to FP16 here as on the way to the NPU
 */
export function exactProduct(weights: Float32Array, input: Float32Array, batch: number): ExactProduct {
  const columns = input.length / batch;
  const rows = weights.length / columns;
  const halves = input.map(value => halfToFloat(floatToHalf(value)));
  const sums = new Float64Array(batch * rows);
  const magnitudes = new Float64Array(batch * rows);
  for (let row = 0; row < rows; row++) {
    for (let vector = 0; vector < batch; vector++) {
      let sum = 0;
      let magnitude = 0;
      for (let i = 0; i < columns; i++) {
        const term = weights[row * columns + i]! * halves[vector * columns + i]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      sums[vector * rows + row] = sum;
      magnitudes[vector * rows + row] = magnitude;
    }
  }
  return { sums, magnitudes };
}
