/**
 * Four float32 weights rounded to FP16, as src/reference/round-half.ts does one: clamped to +-65504, then rounded by adding and
 * taking away 1.5 * 2^13 times the power of two (2^-14 for subnormal halves). NaN stays NaN.
 */
export function roundToHalves(weights: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(weights, f32x4.splat(65504)), f32x4.splat(-65504));
  // Powers of two are positive, so their bits order as integers do.
  const powers = i32x4.max_s(v128.and(clamped, i32x4.splat(0x7f800000)), i32x4.splat(0x38800000));
  const magic = f32x4.mul(powers, f32x4.splat(12288));
  return f32x4.sub(f32x4.add(clamped, magic), magic);
}
