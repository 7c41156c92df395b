import { exp } from './exp';

/** Softmax in place, `count` f32. */
export function softmax(x: usize, count: i32): void {
  const end = x + ((<usize>count) << 2);
  let at = x;
  let highest = f32x4.splat(load<f32>(x));
  for (; at + 16 <= end; at += 16) highest = f32x4.pmax(highest, v128.load(at));
  for (; at < end; at += 4) highest = f32x4.pmax(highest, v128.load32_splat(at));
  highest = f32x4.pmax(highest, v128.shuffle<f32>(highest, highest, 2, 3, 0, 1));
  highest = f32x4.pmax(highest, v128.shuffle<f32>(highest, highest, 1, 0, 3, 2));

  let sums = f32x4.splat(0);
  for (at = x; at + 16 <= end; at += 16) {
    const powers = inline.always(exp(f32x4.sub(v128.load(at), highest)));
    v128.store(at, powers);
    sums = f32x4.add(sums, powers);
  }
  let sum = addLanes(sums);
  for (; at < end; at += 4) {
    const power = f32x4.extract_lane(exp(f32x4.sub(v128.load32_splat(at), highest)), 0);
    store<f32>(at, power);
    sum += power;
  }

  const scale: f32 = 1 / sum;
  for (at = x; at + 16 <= end; at += 16) v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(scale)));
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) * scale);
}

/** The sum of four f32. */
export function addLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 2, 3));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
