import { roundToHalves } from './halves';

/** Rows of a tile: two vectors. */
export const TILE_ROWS: i32 = 8;
/** Columns of a tile: with 8 rows 16 KiB, half of a small first-level cache. */
export const TILE_COLUMNS: i32 = 512;

/**
 * Copies weights of up to 8 rows into a tile [columns][8], where the 8 rows of a column lie side by side; rows that there are
 * not become zeros.
 * @param from first weight; rows are `stride` bytes apart
 */
export function packTile(
  tile: usize,
  from: usize,
  stride: usize,
  rows: i32,
  columns: i32,
  halves: bool,
): void {
  let column = 0;
  if (rows === TILE_ROWS) {
    for (; column + 4 <= columns; column += 4) {
      const at = from + ((<usize>column) << 2);
      const to = tile + ((<usize>column) << 5);
      inline.always(transpose(to, at, stride));
      inline.always(transpose(to + 16, at + (stride << 2), stride));
    }
  }
  for (; column < columns; ++column) {
    const to = tile + ((<usize>column) << 5);
    for (let row = 0; row < TILE_ROWS; ++row) {
      const weight = row < rows ? load<f32>(from + <usize>row * stride + ((<usize>column) << 2)) : 0;
      store<f32>(to + ((<usize>row) << 2), weight);
    }
  }
  if (!halves) return;
  const end = tile + ((<usize>columns) << 5);
  for (let at = tile; at < end; at += 16) v128.store(at, inline.always(roundToHalves(v128.load(at))));
}

/** Four columns of four rows. */
function transpose(to: usize, from: usize, stride: usize): void {
  const row0 = v128.load(from);
  const row1 = v128.load(from + stride);
  const row2 = v128.load(from + (stride << 1));
  const row3 = v128.load(from + (stride << 1) + stride);
  const low01 = v128.shuffle<f32>(row0, row1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(row0, row1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(row2, row3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(row2, row3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
  v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
}
