import { expf } from './expf';

export { drawFromNucleus } from './nucleus';

/** The first address that the kernels do not use themselves. */
export function firstFree(): usize {
  return (__heap_base + 15) & -16;
}

/**
 * The highest value's index, the first of equals.
 * @param values [count] f32
 * @returns -1 when one of them is not a finite number
 */
export function likeliest(values: usize, count: i32): i32 {
  const end = values + ((<usize>count) << 2);
  const vectorEnd = values + ((<usize>(count & ~3)) << 2);
  let most = v128.load32_splat(values);
  // x - x of a number is 0, of infinities and NaN it is NaN.
  let differences = f32x4.splat(0);
  let at = values;
  for (; at < vectorEnd; at += 16) {
    const four = v128.load(at);
    most = f32x4.pmax(most, four);
    differences = f32x4.add(differences, f32x4.sub(four, four));
  }
  for (; at < end; at += 4) {
    const one = v128.load32_splat(at);
    most = f32x4.pmax(most, one);
    differences = f32x4.add(differences, f32x4.sub(one, one));
  }
  if (i32x4.bitmask(f32x4.eq(differences, f32x4.splat(0))) !== 15) return -1;
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  for (at = values; at < vectorEnd; at += 16) {
    const equal = i32x4.bitmask(f32x4.eq(v128.load(at), most));
    if (equal !== 0) return <i32>((at - values) >> 2) + ctz(equal);
  }
  for (; at < end; at += 4) if (load<f32>(at) === f32x4.extract_lane(most, 0)) break;
  return <i32>((at - values) >> 2);
}

/**
 * Replaces logits by e^(logit / temperature - max).
 * @param values [count, filled up to a multiple of 4] f32; what fills up becomes 0
 * @param max the highest logit over the temperature
 * @returns their sum, added in order
 */
export function exponentials(values: usize, count: i32, temperature: f32, max: f32): f32 {
  const vectorEnd = values + ((<usize>(count & ~3)) << 2);
  let sum: f32 = 0;
  let at = values;
  for (; at < vectorEnd; at += 16) {
    const four = inline.always(exponentialsOfFour(at, temperature, max));
    v128.store(at, four);
    sum = inline.always(addedInOrder(sum, four));
  }
  const left = count & 3;
  if (left === 0) return sum;
  const four = exponentialsOfFour(at, temperature, max);
  const kept = v128.and(four, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
  v128.store(at, kept);
  return addedInOrder(sum, kept);
}

function exponentialsOfFour(at: usize, temperature: f32, max: f32): v128 {
  const cooled = f32x4.div(v128.load(at), f32x4.splat(temperature));
  return inline.always(expf(f32x4.sub(cooled, f32x4.splat(max))));
}

function addedInOrder(sum: f32, four: v128): f32 {
  sum += f32x4.extract_lane(four, 0);
  sum += f32x4.extract_lane(four, 1);
  sum += f32x4.extract_lane(four, 2);
  return sum + f32x4.extract_lane(four, 3);
}

/**
 * Draws from all tokens.
 * @param values [count] f32: exponentials
 * @param sum theirs
 * @param coin 0 to below 1
 */
export function drawFromAll(values: usize, count: i32, sum: f32, coin: f32): i32 {
  let cumulative: f32 = 0;
  for (let i = 0; i < count; ++i) {
    cumulative += load<f32>(values + ((<usize>i) << 2)) / sum;
    if (coin < cumulative) return i;
  }
  return count - 1; // rounding left the sum below the coin
}
