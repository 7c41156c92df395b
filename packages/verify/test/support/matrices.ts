import type { PackedMatrix } from '../../src/reference/index.js';
import { allocateMatrices } from '../../src/reference/weight-memory.js';

/** A matrix of rows. @param values [rows][columns] f32 */
export function packed(values: Float32Array, columns: number): PackedMatrix {
  const [matrix] = allocateMatrices([{ rows: values.length / columns, columns }]);
  matrix!.setRows(0, values);
  return matrix!;
}

/** Changes weights of a matrix. @param change of [rows][columns] f32 */
export function changeMatrix(matrix: PackedMatrix, change: (rows: Float32Array) => void): void {
  const rows = matrix.toRows();
  change(rows);
  matrix.setRows(0, rows);
}
