import { addTile, addTileToFour } from './add-tile';
import { addTileExactly } from './add-tile-exactly';
import { multiplyOne } from './one-input';
import { packTile, TILE_COLUMNS, TILE_ROWS } from './tile';

/**
 * output[b][row] = sum of weights[row] * input[b], float32, products and sums rounded, columns ascending in every row.
 * @param weights [rows][columns] f32
 * @param input [batch][columns] f32
 * @param output [batch][rows, filled up to a multiple of 8] f32
 * @param tile 16 KiB to work in
 * @param halves whether weights are rounded to FP16 first
 */
export function multiply(
  weights: usize,
  rows: i32,
  columns: i32,
  input: usize,
  batch: i32,
  output: usize,
  tile: usize,
  halves: bool,
): void {
  const stride = (<usize>columns) << 2;
  const outputStride = (<usize>((rows + TILE_ROWS - 1) & -TILE_ROWS)) << 2;
  let row = batch === 1 ? multiplyOne(weights, rows, columns, input, output, halves) : 0;
  memory.fill(output + ((<usize>row) << 2), 0, outputStride * <usize>batch - ((<usize>row) << 2));
  for (; row < rows; row += TILE_ROWS) {
    for (let column = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      const from = weights + <usize>row * stride + ((<usize>column) << 2);
      packTile(tile, from, stride, min(TILE_ROWS, rows - row), width, halves);
      let x = input + ((<usize>column) << 2);
      let to = output + ((<usize>row) << 2);
      let b = 0;
      for (; b + 4 <= batch; b += 4) {
        addTileToFour(tile, width, x, stride, to, outputStride);
        x += stride << 2;
        to += outputStride << 2;
      }
      for (; b < batch; ++b) {
        addTile(tile, width, x, to);
        x += stride;
        to += outputStride;
      }
    }
  }
}

/**
 * The products of FP16-rounded weights with inputs that are halves, summed in double, and what their absolute values sum to.
 * Columns ascend in every row.
 * @param weights [rows][columns] f32
 * @param input [batch][columns] f32, each a half
 * @param sums [batch][rows, filled up to a multiple of 8] f64
 * @param magnitudes as sums
 * @param tile 16 KiB to work in
 */
export function multiplyExactly(
  weights: usize,
  rows: i32,
  columns: i32,
  input: usize,
  batch: i32,
  sums: usize,
  magnitudes: usize,
  tile: usize,
): void {
  const stride = (<usize>columns) << 2;
  const outputStride = (<usize>((rows + TILE_ROWS - 1) & -TILE_ROWS)) << 3;
  memory.fill(sums, 0, outputStride * <usize>batch);
  memory.fill(magnitudes, 0, outputStride * <usize>batch);
  for (let row = 0; row < rows; row += TILE_ROWS) {
    for (let column = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      const from = weights + <usize>row * stride + ((<usize>column) << 2);
      packTile(tile, from, stride, min(TILE_ROWS, rows - row), width, true);
      let x = input + ((<usize>column) << 2);
      let to = (<usize>row) << 3;
      for (let b = 0; b < batch; ++b) {
        addTileExactly(tile, width, x, sums + to, magnitudes + to);
        x += stride;
        to += outputStride;
      }
    }
  }
}
