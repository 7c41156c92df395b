/** 2^(i/32), the nearest doubles. */
const POWERS: usize = memory.data<f64>([
  1.0,
  1.0218971486541166,
  1.0442737824274138,
  1.0671404006768237,
  1.0905077326652577,
  1.1143867425958924,
  1.1387886347566916,
  1.1637248587775775,
  1.189207115002721,
  1.215247359980469,
  1.241857812073484,
  1.2690509571917332,
  1.2968395546510096,
  1.3252366431597413,
  1.3542555469368927,
  1.383909881963832,
  Math.SQRT2,
  1.4451808069770467,
  1.4768261459394993,
  1.5091644275934228,
  1.5422108254079407,
  1.5759808451078865,
  1.6104903319492543,
  1.6457554781539649,
  1.681792830507429,
  1.7186192981224779,
  1.7562521603732995,
  1.7947090750031072,
  1.8340080864093424,
  1.8741676341103,
  1.9152065613971474,
  1.9571441241754002,
]);
/** 2^(r/32) = 1 + C2 r + C1 r^2 + C0 r^3 for |r| <= 1/2. */
const C0: f64 = 1.6938359250920212e-6;
const C1: f64 = 0.00023459809789509004;
const C2: f64 = 0.021660849396613134;
/** 32 / ln 2 */
const STEPS_PER_E: f64 = 46.166241308446828;
/** 1.5 * 2^52. Added it rounds to the nearest integer, ties to even, which then stands in the lowest bits. */
const ROUND: f64 = 6755399441055744.0;
/** Of a float below this the exponential is 0. */
const LOWEST: f32 = -104;

/**
 * e^x of four floats x <= 0 as glibc, musl and Bionic compute it (expf of Arm's optimized-routines): in double, rounded once.
 * It is not always the nearest float (of 1600 values between -20 and 0 one is its neighbour), and sampling needs the very same
 * one to draw the same tokens.
 */
export function expf(x: v128): v128 {
  const low = inline.always(expfOfTwo(f64x2.promote_low_f32x4(x)));
  const high = inline.always(expfOfTwo(f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3))));
  return v128.andnot(v128.shuffle<i32>(low, high, 0, 1, 4, 5), f32x4.lt(x, f32x4.splat(LOWEST)));
}

/** @returns two floats, in the lower lanes */
function expfOfTwo(x: v128): v128 {
  const scaled = f64x2.mul(x, f64x2.splat(STEPS_PER_E));
  const rounded = f64x2.add(scaled, f64x2.splat(ROUND));
  const r = f64x2.sub(scaled, f64x2.sub(rounded, f64x2.splat(ROUND)));
  const step0 = <usize>i64x2.extract_lane(rounded, 0) & 31;
  const step1 = <usize>i64x2.extract_lane(rounded, 1) & 31;
  const powers = v128.load64_lane(POWERS + (step1 << 3), v128.load64_zero(POWERS + (step0 << 3)), 1);
  // The multiples of 32 go to the exponent, at bit 52: shifted by 52 - 5.
  const octaves = i64x2.shl(v128.and(rounded, i64x2.splat(~31)), 47);
  const upper = f64x2.add(f64x2.mul(f64x2.splat(C0), r), f64x2.splat(C1));
  const lower = f64x2.add(f64x2.mul(f64x2.splat(C2), r), f64x2.splat(1));
  const polynomial = f64x2.add(f64x2.mul(upper, f64x2.mul(r, r)), lower);
  return f32x4.demote_f64x2_zero(f64x2.mul(polynomial, i64x2.add(powers, octaves)));
}
