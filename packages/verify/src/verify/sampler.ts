import type { Sampling } from './prompt.js';

const { fround } = Math;
const MASK = (1n << 64n) - 1n;

/**
 * How far a cumulative sum of float32 may be from the true one: llama2.c sums 32000 probabilities one by one, which loses
 * some 1e-5. A coin as near to a border between two tokens may fall on either.
 */
const BORDER = 1e-4;

/** What a coin falls on. */
export interface Drawn {
  readonly token: number;
  /** It, and the tokens that it misses by no more than rounding. */
  readonly asGood: readonly number[];
}

/** llama2.c's sampling in double precision, written for verification alone: the runtime's own is what is judged. */
export class ReferenceSampler {
  readonly #temperature: number;
  readonly #topP: number;
  readonly #coins: number[] = [];
  #state: bigint;

  constructor({ temperature, topP, seed }: Sampling) {
    this.#temperature = temperature;
    this.#topP = topP;
    this.#state = seed & MASK;
  }

  /** The i-th float in [0, 1) from the seed: xorshift64*, of its upper 32 bits the upper 24. */
  coin(i: number): number {
    while (this.#coins.length <= i) this.#coins.push(this.#nextCoin());
    return this.#coins[i]!;
  }

  #nextCoin(): number {
    this.#state ^= this.#state >> 12n;
    this.#state = (this.#state ^ (this.#state << 25n)) & MASK;
    this.#state ^= this.#state >> 27n;
    const word = (this.#state * 0x2545f4914f6cdd1dn) & MASK;
    return Number(word >> 40n) / 2 ** 24;
  }

  /**
   * The token that a coin falls on.
   * @param logits [vocabSize] f32
   */
  draw(logits: Float32Array, coin: number): Drawn {
    const probabilities = this.#probabilities(logits);
    const inOrder = this.#topP > 0 && this.#topP < 1 ? nucleus(probabilities, this.#topP) : undefined;
    const order = inOrder ?? Array.from(probabilities.keys());
    const total = order.reduce((sum, token) => sum + probabilities[token]!, 0);
    const point = inOrder === undefined ? coin : coin * total;
    let token: number | undefined;
    const asGood: number[] = [];
    let end = 0;
    for (const candidate of order) {
      const start = end;
      end += probabilities[candidate]!;
      if (point < end) token ??= candidate;
      if (start - BORDER <= point && point < end + BORDER) asGood.push(candidate);
      if (start - BORDER > point) break;
    }
    return { token: token ?? order[order.length - 1]!, asGood };
  }

  #probabilities(logits: Float32Array): Float64Array {
    const scaled = Float64Array.from(logits, logit => fround(logit / this.#temperature));
    const max = scaled.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const powers = scaled.map(value => Math.exp(value - max));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);
  }
}

/** The most probable tokens, likeliest first, cut where their sum first exceeds topP. */
function nucleus(probabilities: Float64Array, topP: number): number[] {
  const cutoff = (1 - topP) / (probabilities.length - 1);
  const candidates = Array.from(probabilities.keys()).filter(token => probabilities[token]! >= cutoff);
  // With a topP below 1/V even the likeliest may be under the cutoff.
  if (candidates.length === 0) return [probabilities.indexOf(Math.max(...probabilities))];
  candidates.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  let sum = 0;
  const end = candidates.findIndex(token => {
    sum += probabilities[token]!;
    return sum > topP;
  });
  return end === -1 ? candidates : candidates.slice(0, end + 1);
}
