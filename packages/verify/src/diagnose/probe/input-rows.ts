import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { exactProduct } from '../../reference/index.js';

/** One vector to multiply, whose exact product is dear or, of a single column, free. */
export type InputRow =
  | { readonly kind: 'dense'; readonly values: Float32Array }
  | { readonly kind: 'column'; readonly column: number; readonly value: number };

/** Exact products of input rows: [rows][matrix rows] each. */
export interface RowProducts {
  readonly sums: readonly Float64Array[];
  readonly magnitudes: readonly Float64Array[];
}

/** [rows][columns] f32 */
export function packRows(rows: readonly InputRow[], columns: number): Float32Array {
  const out = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) {
    if (row.kind === 'dense') out.set(row.values, i * columns);
    else out[i * columns + row.column] = row.value;
  }
  return out;
}

/** What the products should be. @param weights [matrix rows][columns] f32, FP16's values */
export function rowProducts(weights: Float32Array, rows: readonly InputRow[], columns: number): RowProducts {
  const dense = rows.filter(row => row.kind === 'dense');
  const matrixRows = weights.length / columns;
  const products =
    dense.length === 0 ? undefined : exactProduct(weights, packRows(dense, columns), dense.length);
  const sums: Float64Array[] = [];
  const magnitudes: Float64Array[] = [];
  for (const row of rows) {
    if (row.kind === 'dense') {
      const range = [dense.indexOf(row) * matrixRows, (dense.indexOf(row) + 1) * matrixRows] as const;
      sums.push(products!.sums.subarray(...range));
      magnitudes.push(products!.magnitudes.subarray(...range));
    } else {
      const value = halfToFloat(floatToHalf(row.value));
      const sum = new Float64Array(matrixRows);
      for (let n = 0; n < matrixRows; n++) sum[n] = weights[n * columns + row.column]! * value;
      sums.push(sum);
      magnitudes.push(sum.map(Math.abs));
    }
  }
  return { sums, magnitudes };
}
