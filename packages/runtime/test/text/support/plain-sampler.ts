import { Xorshift64 } from '../../../src/text/index.js';
import { expf } from './expf.js';

const { fround } = Math;

/** Draws by run.c's rules with a full sort, every step rounded to float: the definition that Sampler's kernels must equal. */
export class PlainSampler {
  readonly #temperature: number;
  readonly #topP: number;
  readonly #random: Xorshift64;

  constructor(options: { readonly temperature: number; readonly topP: number; readonly seed: bigint }) {
    this.#temperature = fround(options.temperature);
    this.#topP = fround(options.topP);
    this.#random = new Xorshift64(options.seed);
  }

  sample(logits: Float32Array): number {
    const best = plainArgmax(logits);
    if (this.#temperature === 0) return best;
    const coin = this.#random.next();
    if (!Number.isFinite(fround(logits[best]! / this.#temperature))) return best;
    const probabilities = softmaxOf(logits, best, this.#temperature);
    return this.#topP > 0 && this.#topP < 1
      ? drawFromNucleus(probabilities, best, this.#topP, coin)
      : drawFromAll(probabilities, coin);
  }
}

/** The highest logit's index, the first of equals. */
export function plainArgmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

function softmaxOf(logits: Float32Array, best: number, temperature: number): Float32Array {
  const probabilities = new Float32Array(logits.length);
  const max = fround(logits[best]! / temperature);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = expf(fround(fround(logits[i]! / temperature) - max));
    probabilities[i] = value;
    sum = fround(sum + value);
  }
  for (let i = 0; i < probabilities.length; i++) probabilities[i] = probabilities[i]! / sum;
  return probabilities;
}

function drawFromAll(probabilities: Float32Array, coin: number): number {
  let cumulative = 0;
  for (let i = 0; i < probabilities.length; i++) {
    cumulative = fround(cumulative + probabilities[i]!);
    if (coin < cumulative) return i;
  }
  return probabilities.length - 1; // rounding left the sum below the coin
}

function drawFromNucleus(probabilities: Float32Array, best: number, topP: number, coin: number): number {
  const cutoff = fround(fround(1 - topP) / (probabilities.length - 1));
  const candidates: number[] = [];
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! >= cutoff) candidates.push(i);
  if (candidates.length === 0) return best;
  candidates.sort((a, b) => probabilities[b]! - probabilities[a]!);
  let nucleus = 0;
  let last = candidates.length - 1;
  for (let i = 0; i < candidates.length; i++) {
    nucleus = fround(nucleus + probabilities[candidates[i]!]!);
    if (nucleus > topP) {
      last = i;
      break;
    }
  }
  const point = fround(coin * nucleus);
  let cumulative = 0;
  for (let i = 0; i <= last; i++) {
    cumulative = fround(cumulative + probabilities[candidates[i]!]!);
    if (point < cumulative) return candidates[i]!;
  }
  return candidates[last]!;
}
