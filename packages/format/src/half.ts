/**
 * IEEE 754 binary16 ("half"): 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. The NPU's FP16.
 */

/** The largest finite half. */
export const HALF_MAX = 65504;
export const HALF_MAX_BITS = 0x7bff;
export const HALF_SIGN = 0x8000;
/** HALF_MAX as binary32: magnitudes above it, as bits, are too large, infinite or NaN. */
export const HALF_MAX_FLOAT_BITS = 0x477fe000;
/** Floats from here on round to infinity: halfway between HALF_MAX and 2^16. */
export const HALF_OVERFLOW = 65520;

/** Everything of a binary32 number but its sign. */
export const FLOAT_MAGNITUDE_MASK = 0x7fffffff;

const SMALLEST_NORMAL_BITS = 0x38800000; // 2^-14 as binary32
const OVERFLOW_BITS = 0x477ff000; // HALF_OVERFLOW as binary32
const INFINITY_BITS = 0x7f800000;
/** 0.5 has ulp 2^-24, the half's subnormal step: adding it makes the FPU round to nearest even there. */
const SUBNORMAL_MAGIC = 0.5;
const SUBNORMAL_MAGIC_BITS = 0x3f000000;
/** Rebiases the exponent (127 to 15) and adds just under half of the 13 dropped bits' weight. */
const REBIAS_AND_ROUND = ((15 - 127) << 23) + 0xfff;

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** Bits of a half that are all set in infinities and NaNs, and in nothing finite. */
export const HALF_EXPONENT_MASK = 0x7c00;

/** The half nearest to the binary32 number with these bits, ties to even; beyond HALF_OVERFLOW infinity, NaN stays NaN. */
export function halfFromFloatBits(bits: number): number {
  const sign = (bits >>> 16) & HALF_SIGN;
  const magnitude = bits & FLOAT_MAGNITUDE_MASK;
  if (magnitude >= SMALLEST_NORMAL_BITS) {
    if (magnitude < OVERFLOW_BITS) {
      return sign | ((magnitude + REBIAS_AND_ROUND + ((magnitude >>> 13) & 1)) >>> 13);
    }
    return sign | (magnitude > INFINITY_BITS ? 0x7e00 : 0x7c00);
  }
  floatBits[0] = magnitude;
  float[0] = float[0]! + SUBNORMAL_MAGIC;
  return sign | (floatBits[0]! - SUBNORMAL_MAGIC_BITS);
}

/** The half nearest to `value` (rounded to binary32 first), as its 16 bits: see halfFromFloatBits. */
export function floatToHalf(value: number): number {
  float[0] = value;
  return halfFromFloatBits(floatBits[0]!);
}

/** The value of a half given as its 16 bits; exact. */
export function halfToFloat(half: number): number {
  const sign = half & HALF_SIGN ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** The values of all 65536 halves, for loops that decode many: 256 KiB, made at the first call. */
export function halfValues(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, half) => halfToFloat(half));
  return table;
}
