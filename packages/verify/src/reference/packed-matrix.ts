import type { KernelMemory } from './kernel-memory.js';
import { MAX_COLUMNS } from './kernel-memory.js';
import { GROUP_ROWS } from './kernels.js';

/** Rows of a matrix that lie in one memory. */
export interface Band {
  /** A multiple of 8. */
  readonly firstRow: number;
  readonly rowCount: number;
  readonly memory: KernelMemory;
  /** [ceil(rowCount/8)][columns][8] f32, zero behind the last row */
  readonly weights: Float32Array;
}

/**
 * A matrix as the kernels read it: 8 rows side by side, column after column, so that a product reads its weights as one stream.
 * Made by allocateMatrices of weight-memory.ts.
 */
export class PackedMatrix {
  /** @param bands in order, all rows */
  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly bands: readonly Band[],
  ) {}

  /**
   * Writes rows.
   * @param firstRow a multiple of 8
   * @param values [rows][columns] f32: whole groups of 8 rows, or all to the end
   */
  setRows(firstRow: number, values: Float32Array): void {
    const { rows, columns } = this;
    const count = values.length / columns;
    const end = firstRow + count;
    if (firstRow % GROUP_ROWS !== 0 || !(end === rows || (end < rows && count % GROUP_ROWS === 0))) {
      throw new RangeError(
        `rows ${firstRow} to ${end - 1} are no whole groups of 8 of [${rows}][${columns}]`,
      );
    }
    for (const band of this.bands) {
      const from = Math.max(firstRow, band.firstRow);
      const to = Math.min(end, band.firstRow + band.rowCount);
      if (from >= to) continue;
      const some = values.subarray((from - firstRow) * columns, (to - firstRow) * columns);
      packRows(band, from - band.firstRow, some, columns);
    }
  }

  /** A copy of a row, [columns] f32. */
  row(row: number): Float32Array {
    const band = this.bands.find(({ firstRow, rowCount }) => row >= firstRow && row < firstRow + rowCount);
    if (band === undefined) throw new RangeError(`no row ${row} in [${this.rows}][${this.columns}]`);
    const at = row - band.firstRow;
    const lane = at % GROUP_ROWS;
    const group = (at - lane) * this.columns;
    const out = new Float32Array(this.columns);
    for (let i = 0; i < out.length; i++) out[i] = band.weights[group + i * GROUP_ROWS + lane]!;
    return out;
  }

  /** A copy of all, [rows][columns] f32. */
  toRows(): Float32Array {
    const out = new Float32Array(this.rows * this.columns);
    for (let row = 0; row < this.rows; row++) out.set(this.row(row), row * this.columns);
    return out;
  }
}

/** By the kernel, as many rows at a time as fit where inputs stand; rows longer than an eighth of that in plain TypeScript. */
function packRows(band: Band, firstRow: number, values: Float32Array, columns: number): void {
  const { memory, weights } = band;
  const rowsAtOnce = Math.floor(MAX_COLUMNS / columns / GROUP_ROWS) * GROUP_ROWS;
  if (rowsAtOnce === 0) {
    packRowsPlain(weights.subarray(firstRow * columns), values, columns);
    return;
  }
  for (let at = 0; at < values.length; at += rowsAtOnce * columns) {
    const some = values.subarray(at, at + rowsAtOnce * columns);
    memory.input.set(some);
    const to = weights.byteOffset + (firstRow * columns + at) * 4;
    memory.kernels.packRows(memory.input.byteOffset, some.length / columns, columns, to);
  }
}

/**
 * What the kernel packRows does.
 * @param groups [ceil(rows/8)][columns][8] f32, written
 * @param values [rows][columns] f32
 */
export function packRowsPlain(groups: Float32Array, values: Float32Array, columns: number): void {
  const rows = values.length / columns;
  groups.fill(0, 0, Math.ceil(rows / GROUP_ROWS) * GROUP_ROWS * columns);
  for (let row = 0; row < rows; row++) {
    const lane = row % GROUP_ROWS;
    const group = (row - lane) * columns;
    for (let i = 0; i < columns; i++) groups[group + i * GROUP_ROWS + lane] = values[row * columns + i]!;
  }
}
