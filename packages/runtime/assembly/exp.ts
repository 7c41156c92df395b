const LOG2_E: f32 = <f32>Math.LOG2E;
/** ln 2 in two parts: the first has 9 bits, so its product with an exponent is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444005469057e-4;
/** 1.5 * 2^23: what is added to it is rounded to an integer, which stands in the lowest bits. */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;
/** Beyond these every result is infinite or 0: exp(89) > 2^128, exp(-104) < 2^-150. */
const HIGHEST: f32 = 89;
const LOWEST: f32 = -104;

/**
 * exp of four f32, at most 2 units in the last place off (1 measured), subnormal results included: 2^n exp(r), n the nearest
 * integer to x / ln 2, |r| <= ln 2 / 2. The series of exp(r) ends with r^7/7!: what follows is below 2^-27.
 * exp(-infinity) is 0, exp(infinity) infinity, NaN stays NaN (pmin and pmax keep their first operand where the other is no better).
 */
export function exp(value: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(value, f32x4.splat(HIGHEST)), f32x4.splat(LOWEST));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let series = f32x4.splat(1.0 / 5040);
  series = f32x4.add(f32x4.mul(series, r), f32x4.splat(1.0 / 720));
  series = f32x4.add(f32x4.mul(series, r), f32x4.splat(1.0 / 120));
  series = f32x4.add(f32x4.mul(series, r), f32x4.splat(1.0 / 24));
  series = f32x4.add(f32x4.mul(series, r), f32x4.splat(1.0 / 6));
  series = f32x4.add(f32x4.mul(series, r), f32x4.splat(0.5));
  series = f32x4.add(f32x4.mul(f32x4.mul(r, r), series), r);
  series = f32x4.add(series, f32x4.splat(1));
  // 2^n in two factors: one alone has no f32 where the result is subnormal or beyond 2^127.
  const exponent = i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS));
  const half = i32x4.shr_s(exponent, 1);
  series = f32x4.mul(series, inline.always(powerOfTwo(half)));
  return f32x4.mul(series, inline.always(powerOfTwo(i32x4.sub(exponent, half))));
}

function powerOfTwo(exponent: v128): v128 {
  return i32x4.shl(i32x4.add(exponent, i32x4.splat(127)), 23);
}
