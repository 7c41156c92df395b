import { addTile } from './add-tile';

/** Positions, or elements of a head, that lie side by side. */
const GROUP: i32 = 8;

/**
 * scores[head][t] = query . key, float32, products and sums rounded, a head's elements ascending.
 * @param keys [kvHeadCount][capacity/8][headSize][8] f32
 * @param groups of 8 positions that scores are wanted for
 * @param queries [headCount][headSize] f32
 * @param scores [headCount][capacity] f32
 */
export function score(
  keys: usize,
  headCount: i32,
  kvHeadCount: i32,
  headSize: i32,
  capacity: i32,
  groups: i32,
  queries: usize,
  scores: usize,
): void {
  const group = (<usize>(headSize * GROUP)) << 2;
  for (let head = 0; head < headCount; ++head) {
    const kvHead = (head * kvHeadCount) / headCount;
    let at = keys + ((<usize>kvHead * <usize>capacity * <usize>headSize) << 2);
    const query = queries + ((<usize>(head * headSize)) << 2);
    let to = scores + ((<usize>head * <usize>capacity) << 2);
    memory.fill(to, 0, (<usize>groups) << 5);
    for (let i = 0; i < groups; ++i) {
      addTile(at, headSize, query, to);
      at += group;
      to += GROUP << 2;
    }
  }
}

/**
 * out[head] = sum of weights[head][t] * value[t], float32, products and sums rounded, t ascending.
 * @param values [kvHeadCount][elementGroups][capacity][8] f32
 * @param elementGroups a head's elements in groups of 8
 * @param positions to be summed
 * @param weights [headCount][capacity] f32
 * @param out [headCount][elementGroups][8] f32
 */
export function weigh(
  values: usize,
  headCount: i32,
  kvHeadCount: i32,
  elementGroups: i32,
  capacity: i32,
  positions: i32,
  weights: usize,
  out: usize,
): void {
  const group = (<usize>capacity) << 5;
  memory.fill(out, 0, (<usize>(headCount * elementGroups)) << 5);
  let to = out;
  for (let head = 0; head < headCount; ++head) {
    const kvHead = (head * kvHeadCount) / headCount;
    const from = weights + ((<usize>head * <usize>capacity) << 2);
    let at = values + <usize>(kvHead * elementGroups) * group;
    for (let i = 0; i < elementGroups; ++i) {
      addTile(at, positions, from, to);
      at += group;
      to += GROUP << 2;
    }
  }
}
