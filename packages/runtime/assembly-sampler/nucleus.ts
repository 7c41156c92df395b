import { sortEntries } from './sort';

/*
 * A candidate's entry is a u64 that orders as run.c's candidates do: the probability's bits turned over in its upper half (a
 * higher probability comes first), the token in its lower (the first of equals).
 */

/**
 * Probabilities differ by an eighth at most in a bucket: the exponent and three bits of the mantissa, bits 20 to 29 of a float
 * up to 1. Bucket 0 has the highest.
 */
const BUCKETS: i32 = 1024;
/** [BUCKETS] u32: how many candidates a bucket has, then where the next one goes, in the end where the bucket ends. */
const ENDS: usize = memory.data(BUCKETS << 2);

/**
 * Draws from the most probable tokens that together exceed topP. Candidates go to buckets; bucket by bucket, from the highest
 * on, they are put in order, and only as far as the nucleus reaches.
 * @param values [count, filled up to a multiple of 4 with 0] f32: exponentials; become probabilities
 * @param sum theirs
 * @param cutoff more than 0: what is below it is no candidate
 * @param coin 0 to below 1
 * @param work 16 bytes a value
 * @returns -1 when there is no candidate
 */
export function drawFromNucleus(
  values: usize,
  count: i32,
  sum: f32,
  cutoff: f32,
  topP: f32,
  coin: f32,
  work: usize,
): i32 {
  const entries = work;
  const spare = work + ((<usize>count) << 3);
  const candidates = findCandidates(values, count, sum, cutoff, spare);
  if (candidates === 0) return -1;
  fillBuckets(values, spare, candidates, entries);

  let nucleus: f32 = 0;
  // Behind the last entry of the nucleus.
  let end = entries;
  for (let bucket = 0; bucket < BUCKETS && !(nucleus > topP); ++bucket) {
    const bucketEnd = entries + ((<usize>load<u32>(ENDS + ((<usize>bucket) << 2))) << 3);
    if (bucketEnd === end) continue;
    sortEntries(end, <i32>((bucketEnd - end) >> 3), spare);
    do {
      nucleus += probabilityOf(end);
      end += 8;
    } while (end < bucketEnd && !(nucleus > topP));
  }

  const point = coin * nucleus;
  let cumulative: f32 = 0;
  for (let at = entries; at < end; at += 8) {
    cumulative += probabilityOf(at);
    if (point < cumulative) return load<u32>(at);
  }
  return load<u32>(end - 8);
}

function probabilityOf(entry: usize): f32 {
  return reinterpret<f32>(~load<u32>(entry, 4));
}

function bucketOf(bits: u32): usize {
  return (<usize>(BUCKETS - 1 - (bits >> 20))) << 2;
}

/**
 * Makes probabilities, lists the tokens that reach the cutoff and counts them by bucket.
 * @param list [candidates] u32, ascending
 * @returns candidates
 */
function findCandidates(values: usize, count: i32, sum: f32, cutoff: f32, list: usize): i32 {
  memory.fill(ENDS, 0, BUCKETS << 2);
  const sums = f32x4.splat(sum);
  const cutoffs = f32x4.splat(cutoff);
  let next = list;
  for (let i = 0; i < count; i += 4) {
    const at = values + ((<usize>i) << 2);
    const four = f32x4.div(v128.load(at), sums);
    v128.store(at, four);
    let reached = i32x4.bitmask(f32x4.ge(four, cutoffs));
    for (; reached !== 0; reached &= reached - 1) {
      const lane = ctz(reached);
      store<u32>(next, i + lane);
      next += 4;
      const size = ENDS + bucketOf(load<u32>(at + ((<usize>lane) << 2)));
      store<u32>(size, load<u32>(size) + 1);
    }
  }
  return <i32>((next - list) >> 2);
}

/** Puts entries where their buckets are, in the order of the list within each. */
function fillBuckets(values: usize, list: usize, candidates: i32, entries: usize): void {
  let first: u32 = 0;
  for (let at = ENDS; at < ENDS + (BUCKETS << 2); at += 4) {
    const size = load<u32>(at);
    store<u32>(at, first);
    first += size;
  }
  for (let at = list; at < list + ((<usize>candidates) << 2); at += 4) {
    const token = load<u32>(at);
    const bits = load<u32>(values + ((<usize>token) << 2));
    const end = ENDS + bucketOf(bits);
    const place = load<u32>(end);
    store<u32>(end, place + 1);
    store<u64>(entries + ((<usize>place) << 3), ((<u64>~bits) << 32) | token);
  }
}
