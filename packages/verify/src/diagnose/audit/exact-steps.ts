/**
 * The CPU's steps between two products in double precision, with the scale that their errors are judged by. Written
 * from the model's formulas for the audit, and with the ways to get them wrong as parameters.
 */

/** What a step should give, and each element's scale. */
export interface ExactStep {
  readonly wanted: Float64Array;
  readonly scale: Float64Array;
}

const EPSILON = 1e-5;

/** weight_i * x_i / sqrt(mean(x^2) + 1e-5). @param weight undefined leaves it out */
export function exactNorm(x: Float32Array, weight: Float32Array | undefined): ExactStep {
  let squares = 0;
  for (const value of x) squares += value * value;
  const factor = 1 / Math.sqrt(squares / x.length + EPSILON);
  const wanted = Float64Array.from(x, (value, i) => value * factor * (weight?.[i] ?? 1));
  return { wanted, scale: wanted.map(Math.abs) };
}

/** Values as they are. */
export function exactCopy(x: ArrayLike<number>): ExactStep {
  const wanted = Float64Array.from(x);
  return { wanted, scale: wanted.map(Math.abs) };
}

/** Ways to combine the two halves of the feed-forward layer. */
export type GateFunction = (gate: number, up: number) => number;

export const swiGlu: GateFunction = (gate, up) => (gate / (1 + Math.exp(-gate))) * up;

export function exactGate(gate: Float32Array, up: Float32Array, combine: GateFunction = swiGlu): ExactStep {
  const wanted = Float64Array.from(gate, (value, i) => combine(value, up[i]!));
  return { wanted, scale: wanted.map(Math.abs) };
}

/** How RoPE turns a vector. */
export interface RopeOptions {
  /** 10000. */
  readonly base?: number;
  /** Pairs (2i, 2i+1), or (i, i + headSize/2) as other models have them. */
  readonly pairs?: 'adjacent' | 'halves';
}

/**
 * Turns pairs by position * base^(-2i/headSize).
 * @param vector [heads][headSize]
 */
export function exactRope(
  vector: ArrayLike<number>,
  position: number,
  headSize: number,
  { base = 10000, pairs = 'adjacent' }: RopeOptions = {},
): Float64Array {
  const out = Float64Array.from(vector);
  const half = headSize / 2;
  for (let head = 0; head < out.length; head += headSize) {
    for (let i = 0; i < half; i++) {
      const [a, b] = pairs === 'adjacent' ? [head + 2 * i, head + 2 * i + 1] : [head + i, head + i + half];
      const angle = position * base ** ((-2 * i) / headSize);
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      out[a] = vector[a]! * cos - vector[b]! * sin;
      out[b] = vector[a]! * sin + vector[b]! * cos;
    }
  }
  return out;
}

export interface AttentionInputs {
  /** [headCount][headSize], turned */
  readonly query: ArrayLike<number>;
  /** Of each position attended to: [kvHeadCount][headSize]; keys turned */
  readonly keys: readonly ArrayLike<number>[];
  readonly values: readonly ArrayLike<number>[];
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
  /** Scores are divided by it: sqrt(headSize) */
  readonly divisor?: number;
  /** Key and value head of a query head: floor(head * kvHeadCount / headCount) */
  readonly kvHeadOf?: (head: number) => number;
}

/** A float's rounding of a score this large changes its weight by a good part of the tolerance. */
const SCORE_SCALE = 256;

/** Per head softmax(q . k_t / sqrt(headSize)) over the positions, and the sum of v_t so weighted. */
export function exactAttention(inputs: AttentionInputs): ExactStep {
  const { query, keys, values, headCount, kvHeadCount, headSize } = inputs;
  const { divisor = Math.sqrt(headSize) } = inputs;
  const kvHeadOf = inputs.kvHeadOf ?? (head => Math.floor((head * kvHeadCount) / headCount));
  const wanted = new Float64Array(headCount * headSize);
  const scale = new Float64Array(headCount * headSize);
  for (let head = 0; head < headCount; head++) {
    const q = head * headSize;
    const kv = kvHeadOf(head) * headSize;
    let largest = 0;
    const scores = keys.map(key => {
      let score = 0;
      let magnitude = 0;
      for (let i = 0; i < headSize; i++) {
        const term = query[q + i]! * key[kv + i]!;
        score += term;
        magnitude += Math.abs(term);
      }
      largest = Math.max(largest, magnitude / divisor);
      return score / divisor;
    });
    const max = scores.reduce((a, b) => Math.max(b, a), -Infinity);
    const powers = scores.map(score => Math.exp(score - max));
    const total = powers.reduce((a, b) => a + b, 0);
    for (const [t, power] of powers.entries()) {
      const weight = power / total;
      for (let i = 0; i < headSize; i++) {
        const term = weight * values[t]![kv + i]!;
        wanted[q + i] = wanted[q + i]! + term;
        scale[q + i] = scale[q + i]! + Math.abs(term);
      }
    }
    for (let i = 0; i < headSize; i++) scale[q + i] = scale[q + i]! * (1 + largest / SCORE_SCALE);
  }
  return { wanted, scale };
}
