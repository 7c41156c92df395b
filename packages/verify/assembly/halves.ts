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

/**
 * Inputs rounded to FP16 in place, as src/reference/round-half.ts does one: 65520 and more become infinite. Padded to a multiple of 4.
 * @param values [count] f32
 * @returns whether any became infinite, or was
 */
export function roundInputs(values: usize, count: i32): bool {
  let infinite = i32x4.splat(0);
  const end = values + ((<usize>count) << 2);
  for (let at = values; at < end; at += 16) {
    const value = v128.load(at);
    const powers = i32x4.max_s(v128.and(value, i32x4.splat(0x7f800000)), i32x4.splat(0x38800000));
    const magic = f32x4.mul(powers, f32x4.splat(12288));
    const rounded = f32x4.sub(f32x4.add(value, magic), magic);
    const beyond = f32x4.ge(f32x4.abs(value), f32x4.splat(65520));
    const endless = v128.or(f32x4.splat(Infinity), v128.and(value, f32x4.splat(-0.0)));
    infinite = v128.or(infinite, beyond);
    v128.store(at, v128.bitselect(endless, rounded, beyond));
  }
  return v128.any_true(infinite);
}
