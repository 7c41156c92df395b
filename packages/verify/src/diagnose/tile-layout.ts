import { halfValues, type TiledMatrix } from '@npu-llama/format';

/**
 * The weight tiles [N/16][K/32][16][32] as docs/npu-file.md defines them, written a second time: what the converter and the
 * runtime make of the definition is what is to be judged.
 */
export const GROUP_ROWS = 16;
export const TILE_COLUMNS = 32;
export const TILE_WEIGHTS = GROUP_ROWS * TILE_COLUMNS;

/** Where a weight stands, in elements. */
export function tileElement(row: number, column: number, paddedColumns: number): number {
  const group = Math.floor(row / GROUP_ROWS) * GROUP_ROWS * paddedColumns;
  const tile = Math.floor(column / TILE_COLUMNS) * TILE_WEIGHTS;
  return group + tile + (row % GROUP_ROWS) * TILE_COLUMNS + (column % TILE_COLUMNS);
}

/** The row and column of the weight at an element: tileElement the other way round. */
export function tilePlace(element: number, paddedColumns: number): { row: number; column: number } {
  const group = Math.floor(element / (GROUP_ROWS * paddedColumns));
  const within = element % (GROUP_ROWS * paddedColumns);
  const tile = Math.floor(within / TILE_WEIGHTS);
  const inTile = within % TILE_WEIGHTS;
  return {
    row: group * GROUP_ROWS + Math.floor(inTile / TILE_COLUMNS),
    column: tile * TILE_COLUMNS + (inTile % TILE_COLUMNS),
  };
}

/**
 * Takes tiles apart.
 * @param tiles [N/16][K/32][16][32] f16 as bits
 * @returns [paddedRows][columns] f32, without the padding columns but with the padding rows
 */
export function untile(
  tiles: Uint16Array,
  { columns, paddedColumns, paddedRows }: TiledMatrix,
): Float32Array {
  const values = halfValues();
  const out = new Float32Array(paddedRows * columns);
  for (let row = 0; row < paddedRows; row++) {
    for (let first = 0; first < columns; first += TILE_COLUMNS) {
      const from = tileElement(row, first, paddedColumns);
      const count = Math.min(TILE_COLUMNS, columns - first);
      const to = row * columns + first;
      for (let i = 0; i < count; i++) out[to + i] = values[tiles[from + i]!]!;
    }
  }
  return out;
}
