const MAGNITUDE: i32 = 0x7fffffff;
/** 2^-14, the smallest normal half, as the bits of an f32. */
const SMALLEST_NORMAL: i32 = 0x38800000;
/** 65520, from where on a half would be infinite. */
const OVERFLOW: i32 = 0x477ff000;
/** Rebiases the exponent (127 to 15) and adds just under half of the 13 dropped bits' weight. */
const REBIAS_AND_ROUND: i32 = ((15 - 127) << 23) + 0xfff;
/** The last bit of 0.5 weighs 2^-24, as that of a subnormal half: added, it makes the processor round there. */
const HALF_BITS: i32 = 0x3f000000;

/** Bits of the nearest halves, ties to even, of four f32 that isBeyondHalf says nothing against; as four i32. */
export function halvesOf(floats: v128): v128 {
  const magnitude = v128.and(floats, i32x4.splat(MAGNITUDE));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, i32x4.splat(REBIAS_AND_ROUND)), odd);
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(HALF_BITS));
  const isSmall = i32x4.lt_s(magnitude, i32x4.splat(SMALLEST_NORMAL));
  const half = v128.bitselect(small, i32x4.shr_u(rounded, 13), isSmall);
  return v128.or(half, v128.and(i32x4.shr_u(floats, 16), i32x4.splat(0x8000)));
}

/** All bits of each of four f32 that rounds to an infinite half, or is NaN. */
export function isBeyondHalf(floats: v128): v128 {
  return i32x4.ge_s(v128.and(floats, i32x4.splat(MAGNITUDE)), i32x4.splat(OVERFLOW));
}

/** into [count] f32 = halves [count] f16; exact. */
export function widenHalves(halves: usize, into: usize, count: i32): void {
  const end = into + ((<usize>count) << 2);
  for (; into + 16 <= end; into += 16, halves += 8) {
    v128.store(into, inline.always(floatsOf(v128.load16x4_u(halves))));
  }
  for (; into < end; into += 4, halves += 2) {
    v128.store32_lane(into, floatsOf(i32x4.splat(load<u16>(halves))), 0);
  }
}

/** The values of four halves, given as the bits of each in an i32. */
function floatsOf(halves: v128): v128 {
  // With exponent and fraction in place it is 2^-112 of the value: biases differ by that. Exact for subnormals, too.
  const scaled = f32x4.mul(
    i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13),
    i32x4.splat((127 + 112) << 23),
  );
  const exponent = v128.and(halves, i32x4.splat(0x7c00));
  const special = v128.and(i32x4.eq(exponent, i32x4.splat(0x7c00)), i32x4.splat(0x7f800000));
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  return v128.or(v128.or(scaled, special), sign);
}
