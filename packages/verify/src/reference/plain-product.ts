import { matVec } from './mat-vec.js';
import type { Product } from './product.js';
import { roundWeightToHalf } from './round-half.js';

/** A product of weights row by row. */
export interface PlainProduct extends Omit<Product, 'weights'> {
  /** [rows][columns] f32 */
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** What multiply of product.ts computes, in plain TypeScript, one input of the batch after the other. */
export function multiplyPlain({
  weights,
  rows,
  columns,
  input,
  batch,
  output,
  arithmetic,
}: PlainProduct): void {
  const rounded = arithmetic === 'fp16' ? weights.map(roundWeightToHalf) : weights;
  for (let b = 0; b < batch; b++) {
    const x = input.subarray(b * columns, (b + 1) * columns);
    matVec(output.subarray(b * rows, (b + 1) * rows), x, rounded);
  }
}
