import { roundToHalves } from './halves';

/** Rows of a group, whose weights of a column lie side by side: two vectors. */
export const GROUP_ROWS: i32 = 8;
/** Columns of a group that are worked on together: with 8 rows 16 KiB, half of a small first-level cache. */
export const TILE_COLUMNS: i32 = 512;

/**
 * Rows [rows][columns] into groups [ceil(rows/8)][columns][8], f32; rows that there are not become zeros.
 */
export function packRows(from: usize, rows: i32, columns: i32, to: usize): void {
  const stride = (<usize>columns) << 2;
  for (let row = 0; row < rows; row += GROUP_ROWS) {
    const at = from + <usize>row * stride;
    packGroup(at, stride, min(GROUP_ROWS, rows - row), columns, to + <usize>row * stride);
  }
}

function packGroup(from: usize, stride: usize, rows: i32, columns: i32, group: usize): void {
  let column = 0;
  if (rows === GROUP_ROWS) {
    for (; column + 4 <= columns; column += 4) {
      const at = from + ((<usize>column) << 2);
      const to = group + ((<usize>column) << 5);
      inline.always(transpose(to, at, stride));
      inline.always(transpose(to + 16, at + (stride << 2), stride));
    }
  }
  for (; column < columns; ++column) {
    const to = group + ((<usize>column) << 5);
    for (let row = 0; row < GROUP_ROWS; ++row) {
      const weight = row < rows ? load<f32>(from + <usize>row * stride + ((<usize>column) << 2)) : 0;
      store<f32>(to + ((<usize>row) << 2), weight);
    }
  }
}

/** A tile's weights rounded to FP16, to another place. */
export function roundTile(tile: usize, columns: i32, to: usize): void {
  const end = tile + ((<usize>columns) << 5);
  let out = to;
  for (let at = tile; at < end; at += 32) {
    v128.store(out, inline.always(roundToHalves(v128.load(at))));
    v128.store(out, inline.always(roundToHalves(v128.load(at, 16))), 16);
    out += 32;
  }
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
