import { matVec } from './mat-vec.js';
import type { Product } from './product.js';
import { roundWeightToHalf } from './round-half.js';

/** Rows rounded to FP16 at a time: as many as matVec takes side by side. */
const ROWS_AT_ONCE = 8;

/** What multiplyRows of product.ts computes, in plain TypeScript, one input of the batch after the other. */
export function multiplyPlain(product: Product, firstRow: number, rowCount: number): void {
  const { weights, rows, columns, input, batch, output, arithmetic } = product;
  const halves = new Float32Array(arithmetic === 'fp16' ? ROWS_AT_ONCE * columns : 0);
  const step = arithmetic === 'fp16' ? ROWS_AT_ONCE : rowCount;
  for (let row = firstRow; row < firstRow + rowCount; row += step) {
    const count = Math.min(step, firstRow + rowCount - row);
    let some = weights.subarray(row * columns, (row + count) * columns);
    if (arithmetic === 'fp16') {
      for (let i = 0; i < some.length; i++) halves[i] = roundWeightToHalf(some[i]!);
      some = halves.subarray(0, some.length);
    }
    for (let b = 0; b < batch; b++) {
      const x = input.subarray(b * columns, (b + 1) * columns);
      matVec(output.subarray(b * rows + row, b * rows + row + count), x, some);
    }
  }
}
