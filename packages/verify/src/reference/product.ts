import type { Arithmetic } from './arithmetic.js';
import { MAX_COLUMNS } from './kernel-memory.js';
import { multiplyPlain } from './plain-product.js';
import { withKernels } from './staging.js';

/** A product of a matrix with a batch of inputs. */
export interface Product {
  /** [rows][columns] f32 */
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** [batch][columns] f32; for fp16 already rounded to halves */
  readonly input: Float32Array;
  readonly batch: number;
  /** [batch][rows] f32 */
  readonly output: Float32Array;
  readonly arithmetic: Arithmetic;
}

/**
 * output[b][row] = sum of weights[row] * input[b] over the columns, in their order, for some rows of the matrix: to the bit
 * what multiplyPlain computes, by WebAssembly kernels.
 * @throws RangeError when an array has not the length that the shape says
 */
export function multiplyRows(product: Product, firstRow: number, rowCount: number): void {
  requireShape(product);
  if (product.columns > MAX_COLUMNS) {
    multiplyPlain(product, firstRow, rowCount);
    return;
  }
  const halves = product.arithmetic === 'fp16';
  withKernels(product.weights, { ...product, firstRow, rowCount }, (memory, weights, part) =>
    memory.multiply(weights, part, halves, product.output),
  );
}

function requireShape({ weights, rows, columns, input, batch, output }: Product): void {
  const lengths = [
    ['weights', weights.length, rows * columns],
    ['inputs', input.length, batch * columns],
    ['outputs', output.length, batch * rows],
  ] as const;
  for (const [what, got, wanted] of lengths) {
    if (got !== wanted) {
      throw new RangeError(
        `[${rows}][${columns}] times a batch of ${batch}: ${got} ${what}, wanted ${wanted}`,
      );
    }
  }
}
