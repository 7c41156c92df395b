// Attention of one head with four positions side by side: where keys and values are in the processor's cache, arithmetic and
// loads are the limit, not the stream from memory, and this takes half the time of one position after the other (measured with
// prompts of 256 tokens).

/**
 * scores[t] = scale * query . keys[t]
 * @param keys one head of each position, kvBytes apart
 * @param count a multiple of 4
 */
export function scoreFours(
  query: usize,
  keys: usize,
  kvBytes: usize,
  scores: usize,
  count: i32,
  headBytes: usize,
  scale: f32,
): void {
  const end = scores + ((<usize>count) << 2);
  for (; scores < end; scores += 16, keys += kvBytes << 2) {
    let sums0 = f32x4.splat(0);
    let sums1 = f32x4.splat(0);
    let sums2 = f32x4.splat(0);
    let sums3 = f32x4.splat(0);
    let key = keys;
    let q = query;
    const queryEnd = query + headBytes;
    for (; q + 16 <= queryEnd; q += 16, key += 16) {
      const x = v128.load(q);
      sums0 = f32x4.add(sums0, f32x4.mul(x, v128.load(key)));
      sums1 = f32x4.add(sums1, f32x4.mul(x, v128.load(key + kvBytes)));
      sums2 = f32x4.add(sums2, f32x4.mul(x, v128.load(key + (kvBytes << 1))));
      sums3 = f32x4.add(sums3, f32x4.mul(x, v128.load(key + (kvBytes << 1) + kvBytes)));
    }
    // Heads have an even number of elements.
    if (q < queryEnd) {
      const x = v128.load64_zero(q);
      sums0 = f32x4.add(sums0, f32x4.mul(x, v128.load64_zero(key)));
      sums1 = f32x4.add(sums1, f32x4.mul(x, v128.load64_zero(key + kvBytes)));
      sums2 = f32x4.add(sums2, f32x4.mul(x, v128.load64_zero(key + (kvBytes << 1))));
      sums3 = f32x4.add(sums3, f32x4.mul(x, v128.load64_zero(key + (kvBytes << 1) + kvBytes)));
    }
    const dots = inline.always(addLanesOfFour(sums0, sums1, sums2, sums3));
    v128.store(scores, f32x4.mul(f32x4.splat(scale), dots));
  }
}

/** The sums of the lanes of each, side by side. */
function addLanesOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/**
 * out += sum over t of weights[t] * values[t]
 * @param values one head of each position, kvBytes apart
 * @param count a multiple of 4
 */
export function weighFours(
  out: usize,
  values: usize,
  kvBytes: usize,
  weights: usize,
  count: i32,
  headBytes: usize,
): void {
  const end = weights + ((<usize>count) << 2);
  for (; weights < end; weights += 16, values += kvBytes << 2) {
    const weight0 = v128.load32_splat(weights);
    const weight1 = v128.load32_splat(weights, 4);
    const weight2 = v128.load32_splat(weights, 8);
    const weight3 = v128.load32_splat(weights, 12);
    let value = values;
    let to = out;
    const outEnd = out + headBytes;
    for (; to + 16 <= outEnd; to += 16, value += 16) {
      const first = f32x4.mul(weight0, v128.load(value));
      const two = f32x4.add(first, f32x4.mul(weight1, v128.load(value + kvBytes)));
      const third = f32x4.mul(weight2, v128.load(value + (kvBytes << 1)));
      const others = f32x4.add(third, f32x4.mul(weight3, v128.load(value + (kvBytes << 1) + kvBytes)));
      v128.store(to, f32x4.add(v128.load(to), f32x4.add(two, others)));
    }
    if (to < outEnd) {
      const first = f32x4.mul(weight0, v128.load64_zero(value));
      const two = f32x4.add(first, f32x4.mul(weight1, v128.load64_zero(value + kvBytes)));
      const third = f32x4.mul(weight2, v128.load64_zero(value + (kvBytes << 1)));
      const fourth = f32x4.mul(weight3, v128.load64_zero(value + (kvBytes << 1) + kvBytes));
      const sums = f32x4.add(v128.load64_zero(to), f32x4.add(two, f32x4.add(third, fourth)));
      v128.store64_lane(to, sums, 0);
    }
  }
}
