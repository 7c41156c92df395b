import { HALF_MAX, HALF_OVERFLOW } from '@npu-llama/format';

const { fround } = Math;

/**
 * Adding 1.5 * 2^13 times a number's power of two, and taking it away again, leaves 11 significant bits of a float32: the
 * FPU itself rounds, to nearest, ties to even. Below 2^-14 halves are subnormal, their step stays 2^-24.
 */
const MAGIC = 1.5 * 2 ** 13;
const SMALLEST_NORMAL = 2 ** -14;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** What is left of a binary32 number without sign and fraction: its power of two. */
const EXPONENT_MASK = 0x7f800000;

/**
 * The half nearest to a float32, as a number; magnitudes of 65520 and more become infinite, a zero may lose its sign.
 * @param value a float32
 */
export function roundToHalf(value: number): number {
  if (value >= HALF_OVERFLOW || value <= -HALF_OVERFLOW) return value > 0 ? Infinity : -Infinity;
  float[0] = value;
  bits[0] = bits[0]! & EXPONENT_MASK;
  const magic = MAGIC * Math.max(float[0]!, SMALLEST_NORMAL);
  return fround(fround(value + magic) - magic);
}

/** As roundToHalf, but never infinite: beyond +-65504 it stays there, as `convert-weights --saturate` writes it. */
export function roundWeightToHalf(value: number): number {
  return roundToHalf(Math.min(Math.max(value, -HALF_MAX), HALF_MAX));
}
