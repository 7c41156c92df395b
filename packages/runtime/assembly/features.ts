import { halvesOf, isBeyondHalf } from './halves';

/**
 * Rounds activations to FP16 (nearest, ties to even) in the NPU's layout of features; padding becomes zero.
 * @param activations [rows][columns] f32
 * @param features [columns filled up to a multiple of 32, / 8][featureRows][8] f16
 * @returns index of the first activation that FP16 cannot hold (NaN, or 65520 and beyond), or -1
 */
export function roundFeatures(
  activations: usize,
  rows: i32,
  columns: i32,
  features: usize,
  featureRows: i32,
): i32 {
  const stride = (<usize>columns) << 2;
  const surface = (<usize>featureRows) << 4;
  const filled = (<usize>rows) << 4;
  const wholeBlocks = columns >> 3;
  let beyond = i32x4.splat(0);
  let block = 0;
  // Two blocks at a time: the 64 bytes of a cache line, of row after row.
  for (; block + 2 <= wholeBlocks; block += 2) {
    let from = activations + ((<usize>block) << 5);
    const to = features + <usize>block * surface;
    const end = to + filled;
    for (let at = to; at < end; at += 16, from += stride) {
      const four0 = v128.load(from);
      const four1 = v128.load(from, 16);
      const four2 = v128.load(from, 32);
      const four3 = v128.load(from, 48);
      v128.store(at, inline.always(eightHalves(four0, four1)));
      v128.store(at + surface, inline.always(eightHalves(four2, four3)));
      beyond = v128.or(
        beyond,
        v128.or(inline.always(isBeyondHalf(four0)), inline.always(isBeyondHalf(four1))),
      );
      beyond = v128.or(
        beyond,
        v128.or(inline.always(isBeyondHalf(four2)), inline.always(isBeyondHalf(four3))),
      );
    }
  }
  for (; block << 3 < columns; ++block) {
    const width = min(8, columns - (block << 3));
    for (let row = 0; row < rows; ++row) {
      const from = activations + <usize>row * stride + ((<usize>block) << 5);
      const to = features + <usize>block * surface + ((<usize>row) << 4);
      beyond = v128.or(beyond, roundSome(from, width, to));
    }
  }
  const blocks = ((columns + 31) & -32) >> 3;
  for (let i = 0; i < block && rows < featureRows; ++i) {
    memory.fill(features + <usize>i * surface + filled, 0, surface - filled);
  }
  memory.fill(features + <usize>block * surface, 0, <usize>(blocks - block) * surface);
  return v128.any_true(beyond) ? firstBeyond(activations, rows * columns) : -1;
}

function eightHalves(low: v128, high: v128): v128 {
  // Saturates what is beyond 16 bits, which nothing is.
  return i16x8.narrow_i32x4_u(inline.always(halvesOf(low)), inline.always(halvesOf(high)));
}

/** A block of 1 to 8 activations; the rest of it becomes zero. */
function roundSome(from: usize, width: i32, to: usize): v128 {
  let beyond = i32x4.splat(0);
  memory.fill(to, 0, 16);
  for (let i = 0; i < width; ++i) {
    const one = v128.load32_splat(from + ((<usize>i) << 2));
    beyond = v128.or(beyond, isBeyondHalf(one));
    v128.store16_lane(to + ((<usize>i) << 1), halvesOf(one), 0);
  }
  return beyond;
}

function firstBeyond(activations: usize, count: i32): i32 {
  for (let i = 0; i < count; ++i) {
    if (v128.any_true(isBeyondHalf(v128.load32_zero(activations + ((<usize>i) << 2))))) return i;
  }
  return -1;
}
