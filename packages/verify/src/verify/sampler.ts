import { argmax } from '../compare/index.js';
import type { Sampling } from './prompt.js';

const { fround } = Math;
const MASK = (1n << 64n) - 1n;

/**
 * How far a cumulative sum of float32 may be from the true one: llama2.c sums 32000 probabilities one by one, which loses
 * some 1e-5. A coin as near to a border between two tokens may fall on either.
 */
const BORDER = 1e-4;

/** The same for where a nucleus ends: of the few likeliest tokens, so less is lost. */
const NUCLEUS_END = 1e-5;

/** Probabilities as near, as a part of themselves, may be in either order: llama2.c takes three roundings to one. */
const TIE = 2 ** -20;

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
    // llama2.c's are floats: at a low temperature the difference shows.
    this.#temperature = fround(temperature);
    this.#topP = fround(topP);
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
   * @param logits [vocabSize] f32, finite
   */
  draw(logits: Float32Array, coin: number): Drawn {
    const best = argmax(logits);
    // So close to 0 that the division overflows: the likeliest is all there is.
    if (!Number.isFinite(fround(logits[best]! / this.#temperature))) return { token: best, asGood: [best] };
    const probabilities = this.#probabilities(logits);
    return this.#topP > 0 && this.#topP < 1
      ? drawFromNucleus(probabilities, best, this.#topP, coin)
      : fallOn(probabilities, Array.from(probabilities.keys()), coin);
  }

  #probabilities(logits: Float32Array): Float64Array {
    const scaled = Float64Array.from(logits, logit => fround(logit / this.#temperature));
    const max = scaled.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const powers = scaled.map(value => Math.exp(fround(value - max)));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);
  }
}

/** Where a point between 0 and the sum of the probabilities falls, tokens side by side in an order. */
function fallOn(probabilities: Float64Array, order: readonly number[], point: number): Drawn {
  let token: number | undefined;
  const asGood: number[] = [];
  let end = 0;
  for (const candidate of order) {
    const start = end;
    end += probabilities[candidate]!;
    if (start - BORDER > point) break;
    if (point < end) token ??= candidate;
    if (point < end + BORDER) asGood.push(candidate);
  }
  return { token: token ?? order[order.length - 1]!, asGood };
}

/** Draws from the most probable tokens, likeliest first, cut where their sum first exceeds topP. */
function drawFromNucleus(probabilities: Float64Array, best: number, topP: number, coin: number): Drawn {
  const cutoff = ((1 - topP) / (probabilities.length - 1)) * (1 - TIE);
  const order = Array.from(probabilities.keys()).filter(token => probabilities[token]! >= cutoff);
  // With a topP below 1/V even the likeliest may be under the cutoff.
  if (order.length === 0) order.push(best);
  order.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  let token: number | undefined;
  const asGood = new Set<number>();
  let sum = 0;
  for (const [i, last] of order.entries()) {
    sum += probabilities[last]!;
    // Rounding may end it a little sooner or later than it should.
    if (sum < topP - NUCLEUS_END && i < order.length - 1) continue;
    const drawn = fallOn(probabilities, order.slice(0, i + 1), coin * sum);
    for (const candidate of drawn.asGood) asGood.add(candidate);
    if (sum > topP || i === order.length - 1) token ??= drawn.token;
    if (sum > topP + NUCLEUS_END) break;
  }
  return { token: token!, asGood: withTies(probabilities, order, asGood) };
}

/** Whatever stands beside a token only because of rounding is as good. */
function withTies(
  probabilities: Float64Array,
  order: readonly number[],
  asGood: ReadonlySet<number>,
): number[] {
  const near = (a: number, b: number): boolean =>
    Math.abs(probabilities[a]! - probabilities[b]!) <= TIE * probabilities[b]!;
  return order.filter(token => [...asGood].some(good => near(token, good)));
}
