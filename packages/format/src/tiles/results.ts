import { UsageError } from '../errors.js';
import { RESULT_CHANNELS } from './layout.js';

/**
 * Copies columns of an FP32 result out of the NPU's layout.
 *
 * @param result [columns/4][resultRows][4] f32, of one task
 * @param resultRows M of the task; only the first `rows` are wanted
 * @param firstColumn first of the task's columns that is wanted, a multiple of 4
 * @param count how many columns are wanted
 * @param into [rows][intoColumns] f32
 * @param intoColumn where in a row of `into` they go
 */
export function unpackResult(
  result: Float32Array,
  resultRows: number,
  firstColumn: number,
  count: number,
  rows: number,
  into: Float32Array,
  intoColumns: number,
  intoColumn: number,
): void {
  const lastBlock = Math.ceil((firstColumn + count) / RESULT_CHANNELS);
  if (
    firstColumn % RESULT_CHANNELS !== 0 ||
    rows > resultRows ||
    lastBlock * resultRows * RESULT_CHANNELS > result.length ||
    intoColumn + count > intoColumns ||
    rows * intoColumns > into.length
  ) {
    throw new UsageError(`unpackResult: ${rows} x ${count} results do not fit the buffers`, {
      got: `${result.length} results of ${resultRows} rows from column ${firstColumn}, room for ${into.length}`,
    });
  }
  if (resultRows === 1) {
    into.set(result.subarray(firstColumn, firstColumn + count), intoColumn);
    return;
  }
  const surface = resultRows * RESULT_CHANNELS;
  const firstElement = (firstColumn / RESULT_CHANNELS) * surface;
  for (let row = 0; row < rows; row++) {
    let source = firstElement + row * RESULT_CHANNELS;
    const target = row * intoColumns + intoColumn;
    for (let column = 0; column < count; column += RESULT_CHANNELS, source += surface) {
      const run = Math.min(RESULT_CHANNELS, count - column);
      for (let i = 0; i < run; i++) into[target + column + i] = result[source + i]!;
    }
  }
}
