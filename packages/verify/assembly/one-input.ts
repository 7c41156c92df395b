import { roundToHalves } from './halves';

/**
 * Rows side by side: three vectors of sums hide each other's latency, and more rows would be read from more places in memory at
 * a time than a processor foresees (measured: 8, 12, 16 and 32; 12 was best).
 */
const ROWS_AT_ONCE: i32 = 12;

/**
 * output[row] = sum of weights[row] * input, columns ascending, straight from memory: every weight is read once.
 * @returns rows done: a multiple of 12
 */
export function multiplyOne(
  weights: usize,
  rows: i32,
  columns: i32,
  input: usize,
  output: usize,
  halves: bool,
): i32 {
  const stride = (<usize>columns) << 2;
  const end = input + ((<usize>(columns & ~3)) << 2);
  let row = 0;
  for (; row + ROWS_AT_ONCE <= rows; row += ROWS_AT_ONCE) {
    let at = weights + <usize>row * stride;
    let sums0 = f32x4.splat(0);
    let sums1 = f32x4.splat(0);
    let sums2 = f32x4.splat(0);
    let x = input;
    for (; x < end; x += 16) {
      const inputs = v128.load(x);
      sums0 = inline.always(addFourColumns(sums0, at, stride, inputs, halves));
      sums1 = inline.always(addFourColumns(sums1, at + (stride << 2), stride, inputs, halves));
      sums2 = inline.always(addFourColumns(sums2, at + (stride << 3), stride, inputs, halves));
      at += 16;
    }
    for (; x < input + stride; x += 4) {
      const value = v128.load32_splat(x);
      sums0 = inline.always(addColumn(sums0, at, stride, value, halves));
      sums1 = inline.always(addColumn(sums1, at + (stride << 2), stride, value, halves));
      sums2 = inline.always(addColumn(sums2, at + (stride << 3), stride, value, halves));
      at += 4;
    }
    const to = output + ((<usize>row) << 2);
    v128.store(to, sums0);
    v128.store(to, sums1, 16);
    v128.store(to, sums2, 32);
  }
  return row;
}

/** Multiplies four rows by four inputs, turns the products, and adds them column by column. */
function addFourColumns(sums: v128, at: usize, stride: usize, inputs: v128, halves: bool): v128 {
  let row0 = v128.load(at);
  let row1 = v128.load(at + stride);
  let row2 = v128.load(at + (stride << 1));
  let row3 = v128.load(at + (stride << 1) + stride);
  if (halves) {
    row0 = inline.always(roundToHalves(row0));
    row1 = inline.always(roundToHalves(row1));
    row2 = inline.always(roundToHalves(row2));
    row3 = inline.always(roundToHalves(row3));
  }
  row0 = f32x4.mul(row0, inputs);
  row1 = f32x4.mul(row1, inputs);
  row2 = f32x4.mul(row2, inputs);
  row3 = f32x4.mul(row3, inputs);
  const low01 = v128.shuffle<f32>(row0, row1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(row0, row1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(row2, row3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(row2, row3, 2, 6, 3, 7);
  let out = f32x4.add(sums, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  out = f32x4.add(out, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  out = f32x4.add(out, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  return f32x4.add(out, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** One column of four rows. */
function addColumn(sums: v128, at: usize, stride: usize, value: v128, halves: bool): v128 {
  let weights = f32x4.splat(load<f32>(at));
  weights = f32x4.replace_lane(weights, 1, load<f32>(at + stride));
  weights = f32x4.replace_lane(weights, 2, load<f32>(at + (stride << 1)));
  weights = f32x4.replace_lane(weights, 3, load<f32>(at + (stride << 1) + stride));
  if (halves) weights = inline.always(roundToHalves(weights));
  return f32x4.add(sums, f32x4.mul(weights, value));
}
