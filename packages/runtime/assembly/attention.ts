import { addLanes, softmax } from './softmax';

/**
 * Causal attention of rows at consecutive positions, each over all positions up to its own.
 *
 * One row goes through the cache position by position, all heads of each: one stream of memory, which is what limits it
 * (measured at 512 positions of 768, not in a cache: 20 GB/s; with four positions side by side, 11). Several rows take a
 * KV head at a time instead, whose keys and values stay in the processor's cache from row to row.
 *
 * @param out, query [rows][headCount][headSize] f32
 * @param keys, values [positions][kvHeadCount][headSize] f32
 * @param scores scratch, [headCount] f32 rows that are `scoresStride` bytes apart
 */
export function attention(
  out: usize,
  query: usize,
  keys: usize,
  values: usize,
  scores: usize,
  scoresStride: usize,
  rows: i32,
  firstPosition: i32,
  headCount: i32,
  kvHeadCount: i32,
  headSize: i32,
): void {
  const headBytes = (<usize>headSize) << 2;
  const rowBytes = headBytes * <usize>headCount;
  const kvBytes = headBytes * <usize>kvHeadCount;
  const group = headCount / kvHeadCount;
  const kvHeads = rows === 1 ? kvHeadCount : 1;
  const heads = kvHeads * group;
  const scale: f32 = <f32>(1 / Math.sqrt(<f64>headSize));
  for (let kvHead = 0; kvHead < kvHeadCount; kvHead += kvHeads) {
    const kv = headBytes * <usize>kvHead;
    let at = kv * <usize>group;
    for (let row = 0; row < rows; ++row, at += rowBytes) {
      const count = firstPosition + row + 1;
      score(query + at, keys + kv, kvBytes, scores, scoresStride, count, kvHeads, group, headBytes, scale);
      for (let head = 0; head < heads; ++head) softmax(scores + <usize>head * scoresStride, count);
      weigh(out + at, values + kv, kvBytes, scores, scoresStride, count, kvHeads, group, headBytes);
    }
  }
}

/** scores[head][t] = scale * query[head] . keys[t][head / group] */
function score(
  query: usize,
  keys: usize,
  kvBytes: usize,
  scores: usize,
  scoresStride: usize,
  count: i32,
  kvHeads: i32,
  group: i32,
  headBytes: usize,
  scale: f32,
): void {
  for (let t = 0; t < count; ++t, keys += kvBytes, scores += 4) {
    let key = keys;
    let q = query;
    let to = scores;
    for (let kvHead = 0; kvHead < kvHeads; ++kvHead, key += headBytes) {
      for (let i = 0; i < group; ++i, q += headBytes, to += scoresStride) {
        store<f32>(to, scale * inline.always(dot(q, key, headBytes)));
      }
    }
  }
}

function dot(a: usize, b: usize, bytes: usize): f32 {
  let sums0 = f32x4.splat(0);
  let sums1 = f32x4.splat(0);
  const end = a + bytes;
  for (; a + 32 <= end; a += 32, b += 32) {
    sums0 = f32x4.add(sums0, f32x4.mul(v128.load(a), v128.load(b)));
    sums1 = f32x4.add(sums1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
  }
  sums0 = f32x4.add(sums0, sums1);
  if (a + 16 <= end) {
    sums0 = f32x4.add(sums0, f32x4.mul(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  // Heads have an even number of elements.
  if (a < end) sums0 = f32x4.add(sums0, f32x4.mul(v128.load64_zero(a), v128.load64_zero(b)));
  return inline.always(addLanes(sums0));
}

/** out[head] = sum over t of weights[head][t] * values[t][head / group] */
function weigh(
  out: usize,
  values: usize,
  kvBytes: usize,
  weights: usize,
  weightsStride: usize,
  count: i32,
  kvHeads: i32,
  group: i32,
  headBytes: usize,
): void {
  memory.fill(out, 0, headBytes * <usize>(kvHeads * group));
  for (let t = 0; t < count; ++t, values += kvBytes, weights += 4) {
    let value = values;
    let to = out;
    let weight = weights;
    for (let kvHead = 0; kvHead < kvHeads; ++kvHead, value += headBytes) {
      for (let i = 0; i < group; ++i, to += headBytes, weight += weightsStride) {
        inline.always(addScaled(to, value, v128.load32_splat(weight), headBytes));
      }
    }
  }
}

/** sums += factor * x */
function addScaled(sums: usize, x: usize, factor: v128, bytes: usize): void {
  const end = sums + bytes;
  for (; sums + 32 <= end; sums += 32, x += 32) {
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(factor, v128.load(x))));
    v128.store(sums, f32x4.add(v128.load(sums, 16), f32x4.mul(factor, v128.load(x, 16))), 16);
  }
  if (sums + 16 <= end) {
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(factor, v128.load(x))));
    sums += 16;
    x += 16;
  }
  if (sums < end) {
    const two = f32x4.add(v128.load64_zero(sums), f32x4.mul(factor, v128.load64_zero(x)));
    v128.store64_lane(sums, two, 0);
  }
}
