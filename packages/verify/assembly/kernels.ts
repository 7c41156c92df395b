import { addTile, addTileToFour } from './add-tile';
import { addTileExactly } from './add-tile-exactly';
import { GROUP_ROWS, roundTile, TILE_COLUMNS } from './tile';

export { roundInputs } from './halves';
export { packRows } from './tile';

/**
 * output[b][row] = sum of weights[row] * input[b], float32, products and sums rounded, columns ascending in every row. The weights
 * are one stream: a processor reads it at the speed of its memory.
 * @param weights [groups][columns][8] f32
 * @param input [batch][columns] f32
 * @param output [batch][outputStride bytes], 8 rows a group f32
 * @param tile 16 KiB to work in
 * @param halves whether weights are rounded to FP16 first
 */
export function multiply(
  weights: usize,
  groups: i32,
  columns: i32,
  input: usize,
  batch: i32,
  output: usize,
  outputStride: usize,
  tile: usize,
  halves: bool,
): void {
  const stride = (<usize>columns) << 2;
  const outputBytes = (<usize>(groups * GROUP_ROWS)) << 2;
  for (let b = 0; b < batch; ++b) memory.fill(output + <usize>b * outputStride, 0, outputBytes);
  let at = weights;
  for (let group = 0; group < groups; ++group) {
    for (let column = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      let from = at;
      if (halves) {
        roundTile(at, width, tile);
        from = tile;
      }
      let x = input + ((<usize>column) << 2);
      let to = output + ((<usize>group) << 5);
      let b = 0;
      for (; b + 4 <= batch; b += 4) {
        addTileToFour(from, width, x, stride, to, outputStride);
        x += stride << 2;
        to += outputStride << 2;
      }
      for (; b < batch; ++b) {
        addTile(from, width, x, to);
        x += stride;
        to += outputStride;
      }
      at += (<usize>width) << 5;
    }
  }
}

/**
 * The products of FP16-rounded weights with inputs that are halves, summed in double, and what their absolute values sum to.
 * Columns ascend in every row.
 * @param weights [groups][columns][8] f32
 * @param input [batch][columns] f32, each a half
 * @param sums [batch][outputStride bytes], 8 rows a group f64
 * @param magnitudes as sums
 * @param tile 16 KiB to work in
 */
export function multiplyExactly(
  weights: usize,
  groups: i32,
  columns: i32,
  input: usize,
  batch: i32,
  sums: usize,
  magnitudes: usize,
  outputStride: usize,
  tile: usize,
): void {
  const stride = (<usize>columns) << 2;
  const outputBytes = (<usize>(groups * GROUP_ROWS)) << 3;
  for (let b = 0; b < batch; ++b) {
    memory.fill(sums + <usize>b * outputStride, 0, outputBytes);
    memory.fill(magnitudes + <usize>b * outputStride, 0, outputBytes);
  }
  let at = weights;
  for (let group = 0; group < groups; ++group) {
    for (let column = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      roundTile(at, width, tile);
      let x = input + ((<usize>column) << 2);
      let to = (<usize>group) << 6;
      for (let b = 0; b < batch; ++b) {
        addTileExactly(tile, width, x, sums + to, magnitudes + to);
        x += stride;
        to += outputStride;
      }
      at += (<usize>width) << 5;
    }
  }
}
