const STEPS = 32;
/** 2^(i/32), the nearest doubles; Math.pow misses some of them by a bit. */
const POWERS = Float64Array.of(
  1,
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
);
/** 2^(r/32) = 1 + C2 r + C1 r^2 + C0 r^3 for |r| <= 1/2. */
const C0 = 1.6938359250920212e-6;
const C1 = 0.00023459809789509004;
const C2 = 0.021660849396613134;
/** 32 / ln 2 */
const STEPS_PER_E = 46.166241308446828;
/** Added and taken away again it rounds to the nearest integer, ties to even. */
const ROUND = 1.5 * 2 ** 52;
/** Of a float below this the exponential is 0. */
const LOWEST = -104;
/** 2^-i */
const SCALES = Float64Array.from({ length: 152 }, (_, i) => 2 ** -i);

/**
 * e^x of a float x <= 0 as glibc, musl and Bionic compute it (expf of Arm's optimized-routines). It is not always the
 * nearest float (of 1600 values between -20 and 0 one is its neighbour), and sampling needs the very same one to draw the
 * same tokens.
 */
export function expf(x: number): number {
  if (x < LOWEST) return 0;
  const scaled = STEPS_PER_E * x;
  const k = scaled + ROUND - ROUND;
  const r = scaled - k;
  const step = k & (STEPS - 1);
  const scale = SCALES[(step - k) / STEPS]!;
  return Math.fround(((C0 * r + C1) * (r * r) + (C2 * r + 1)) * (POWERS[step]! * scale));
}
