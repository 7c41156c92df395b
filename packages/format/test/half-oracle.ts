/**
 * FP16 by exact integers: every binary16 and binary32 number is a whole multiple of 2^-149, and a BigInt holds any of
 * them. Shares nothing with src/half.ts.
 */

const floatView = new DataView(new ArrayBuffer(4));

export function floatFromBits(bits: number): number {
  floatView.setUint32(0, bits);
  return floatView.getFloat32(0);
}

export function bitsOfFloat(value: number): number {
  floatView.setFloat32(0, value);
  return floatView.getUint32(0);
}

/** |value| of a finite binary32 number in units of 2^-149. */
function unitsOfFloat(bits: number): bigint {
  const exponent = (bits >>> 23) & 0xff;
  const fraction = BigInt(bits & 0x7fffff);
  return exponent === 0 ? fraction : (fraction | 0x800000n) << BigInt(exponent - 1);
}

/** |value| of a half with exponent below 31, in units of 2^-149; 0x7c00 counts as 2^16, where infinity begins. */
export function unitsOfHalf(half: number): bigint {
  const exponent = half >>> 10;
  const fraction = BigInt(half & 0x3ff);
  const inSubnormalSteps = exponent === 0 ? fraction : (fraction | 0x400n) << BigInt(exponent - 1);
  return inSubnormalSteps << 125n;
}

const MAGNITUDES = Array.from({ length: 0x7c01 }, (_, half) => unitsOfHalf(half));

/** The half nearest to the binary32 number with these bits, ties to even; -1 for NaN. */
export function nearestHalf(bits: number): number {
  const sign = (bits >>> 31) << 15;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return -1;
  if (magnitude === 0x7f800000) return sign | 0x7c00;
  const units = unitsOfFloat(magnitude);
  let below = 0;
  let above = 0x7c00;
  if (units >= MAGNITUDES[above]!) return sign | above;
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (MAGNITUDES[middle]! <= units) below = middle;
    else above = middle;
  }
  const down = units - MAGNITUDES[below]!;
  const up = MAGNITUDES[above]! - units;
  const nearest = down < up || (down === up && below % 2 === 0) ? below : above;
  return sign | nearest;
}
