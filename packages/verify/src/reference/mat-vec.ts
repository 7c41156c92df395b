const { fround } = Math;

/** Rows summed side by side: enough independent float sums to hide the latency of each (measured: 8 is 2.8 x 1). */
const ROWS_AT_ONCE = 8;

/**
 * out = weights . x, as llama2.c's matmul: every row a float32 sum in the order of the columns, product and sum each
 * rounded. Several rows advance together, which changes no row's own order and so no bit of the result.
 * @param out [rows] f32
 * @param x [columns] f32
 * @param weights [rows][columns] f32; rows = out.length, columns = x.length
 */
export function matVec(out: Float32Array, x: Float32Array, weights: Float32Array): void {
  const rows = out.length;
  const columns = x.length;
  if (weights.length !== rows * columns) {
    throw new RangeError(`matVec: ${weights.length} weights for [${rows}][${columns}]`);
  }
  const blocked = rows - (rows % ROWS_AT_ONCE);
  for (let row = 0; row < blocked; row += ROWS_AT_ONCE) eightRows(out, x, weights, row);
  for (let row = blocked; row < rows; row++) oneRow(out, x, weights, row);
}

function oneRow(out: Float32Array, x: Float32Array, weights: Float32Array, row: number): void {
  const columns = x.length;
  const start = row * columns;
  let sum = fround(0);
  for (let i = 0; i < columns; i++) sum = fround(sum + fround(weights[start + i]! * x[i]!));
  out[row] = sum;
}

/** oneRow, eight times; spelled out because only local variables stay in registers. */
function eightRows(out: Float32Array, x: Float32Array, weights: Float32Array, row: number): void {
  const columns = x.length;
  const start0 = row * columns;
  const start1 = start0 + columns;
  const start2 = start1 + columns;
  const start3 = start2 + columns;
  const start4 = start3 + columns;
  const start5 = start4 + columns;
  const start6 = start5 + columns;
  const start7 = start6 + columns;
  let sum0 = fround(0);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
  let sum4 = sum0;
  let sum5 = sum0;
  let sum6 = sum0;
  let sum7 = sum0;
  for (let i = 0; i < columns; i++) {
    const value = x[i]!;
    sum0 = fround(sum0 + fround(weights[start0 + i]! * value));
    sum1 = fround(sum1 + fround(weights[start1 + i]! * value));
    sum2 = fround(sum2 + fround(weights[start2 + i]! * value));
    sum3 = fround(sum3 + fround(weights[start3 + i]! * value));
    sum4 = fround(sum4 + fround(weights[start4 + i]! * value));
    sum5 = fround(sum5 + fround(weights[start5 + i]! * value));
    sum6 = fround(sum6 + fround(weights[start6 + i]! * value));
    sum7 = fround(sum7 + fround(weights[start7 + i]! * value));
  }
  out[row] = sum0;
  out[row + 1] = sum1;
  out[row + 2] = sum2;
  out[row + 3] = sum3;
  out[row + 4] = sum4;
  out[row + 5] = sum5;
  out[row + 6] = sum6;
  out[row + 7] = sum7;
}
