/** As llama2.c has it. */
const EPSILON: f64 = 1e-5;

/** out = weight * x / sqrt(mean(x^2) + 1e-5), row by row: out and x [rows][size], weight [size] f32. */
export function rmsNorm(out: usize, x: usize, weight: usize, rows: i32, size: i32): void {
  const stride = (<usize>size) << 2;
  for (let row = 0; row < rows; ++row) {
    const scale: f32 = <f32>(1 / Math.sqrt(sumOfSquares(x, size) / <f64>size + EPSILON));
    const scales = f32x4.splat(scale);
    let i: usize = 0;
    for (; i + 16 <= stride; i += 16) {
      const scaled = f32x4.mul(scales, v128.load(x + i));
      v128.store(out + i, f32x4.mul(v128.load(weight + i), scaled));
    }
    for (; i < stride; i += 4) store<f32>(out + i, load<f32>(weight + i) * (scale * load<f32>(x + i)));
    x += stride;
    out += stride;
  }
}

/** In double, which no f32 squared overflows. */
function sumOfSquares(x: usize, size: i32): f64 {
  const end = x + ((<usize>size) << 2);
  let sums0 = f64x2.splat(0);
  let sums1 = f64x2.splat(0);
  for (; x + 16 <= end; x += 16) {
    const four = v128.load(x);
    const low = f64x2.promote_low_f32x4(four);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 2, 3));
    sums0 = f64x2.add(sums0, f64x2.mul(low, low));
    sums1 = f64x2.add(sums1, f64x2.mul(high, high));
  }
  sums0 = f64x2.add(sums0, sums1);
  let sum = f64x2.extract_lane(sums0, 0) + f64x2.extract_lane(sums0, 1);
  for (; x < end; x += 4) {
    const value = <f64>load<f32>(x);
    sum += value * value;
  }
  return sum;
}
