import { scoreFours, weighFours } from './four-positions';
import { addLanes, softmax } from './softmax';

/**
 * Causal attention of rows at consecutive positions, each over all positions up to its own.
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
  const kvBytes = headBytes * <usize>kvHeadCount;
  const group = headCount / kvHeadCount;
  const scale: f32 = <f32>(1 / Math.sqrt(<f64>headSize));
  if (rows > 1) {
    attendRows(out, query, keys, values, scores, rows, firstPosition, headCount, group, headBytes, scale);
    return;
  }
  const count = firstPosition + 1;
  score(query, keys, kvBytes, scores, scoresStride, count, kvHeadCount, group, headBytes, scale);
  for (let head = 0; head < headCount; ++head) softmax(scores + <usize>head * scoresStride, count);
  memory.fill(out, 0, headBytes * <usize>headCount);
  weigh(out, values, kvBytes, scores, scoresStride, count, kvHeadCount, group, headBytes);
}

/** Head by head: its keys and values stay in the processor's cache from row to row. */
function attendRows(
  out: usize,
  query: usize,
  keys: usize,
  values: usize,
  scores: usize,
  rows: i32,
  firstPosition: i32,
  headCount: i32,
  group: i32,
  headBytes: usize,
  scale: f32,
): void {
  const rowBytes = headBytes * <usize>headCount;
  const kvBytes = rowBytes / <usize>group;
  for (let head = 0; head < headCount; ++head) {
    const key = keys + headBytes * <usize>(head / group);
    const value = values + headBytes * <usize>(head / group);
    let at = headBytes * <usize>head;
    for (let row = 0; row < rows; ++row, at += rowBytes) {
      const count = firstPosition + row + 1;
      const fours = count & ~3;
      const rest = kvBytes * <usize>fours;
      const restScores = scores + ((<usize>fours) << 2);
      scoreFours(query + at, key, kvBytes, scores, fours, headBytes, scale);
      score(query + at, key + rest, kvBytes, restScores, 0, count & 3, 1, 1, headBytes, scale);
      softmax(scores, count);
      memory.fill(out + at, 0, headBytes);
      weighFours(out + at, value, kvBytes, scores, fours, headBytes);
      weigh(out + at, value + rest, kvBytes, restScores, 0, count & 3, 1, 1, headBytes);
    }
  }
}

/**
 * scores[head][t] = scale * query[head] . keys[t][head / group], position by position, all heads of each: one stream of memory,
 * which is what limits it (measured with 512 positions of 768 that are in no cache: 20 GB/s; four positions side by side, 11).
 */
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

/** out[head] += sum over t of weights[head][t] * values[t][head / group], in the same order. */
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
