import { UsageError } from '@npu-llama/format';
import { NumericError } from '../errors.js';
import { expf } from './expf.js';
import { Xorshift64 } from './random.js';

export interface SamplerOptions {
  /** 0: always the most probable token. Default 1. */
  readonly temperature?: number;
  /** Nucleus sampling: the most probable tokens that together exceed it; 0 or 1: all. Default 0.9. */
  readonly topP?: number;
  /** Default: the time. */
  readonly seed?: bigint | number;
}

const { fround } = Math;

/** Draws tokens from logits, in llama2.c's float arithmetic: the same seed and logits give the same tokens. */
export class Sampler {
  readonly #temperature: number;
  readonly #topP: number;
  readonly #random: Xorshift64;

  /** @throws UsageError for a negative temperature, a topP outside 0 to 1, or a seed of 0 */
  constructor(options: SamplerOptions = {}) {
    const { temperature = 1, topP = 0.9, seed = Math.floor(Date.now() / 1000) } = options;
    if (!(temperature >= 0) || !Number.isFinite(temperature)) {
      throw new UsageError('impossible temperature', { got: String(temperature), wanted: '0 or more' });
    }
    if (!(topP >= 0 && topP <= 1)) {
      throw new UsageError('impossible top-p', { got: String(topP), wanted: '0 to 1' });
    }
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new UsageError('impossible seed', { got: String(seed), wanted: 'a whole number, or a bigint' });
    }
    if (BigInt.asUintN(64, BigInt(seed)) === 0n) {
      throw new UsageError('impossible seed', { got: String(seed), wanted: 'not 0, nor a multiple of 2^64' });
    }
    this.#temperature = fround(temperature);
    this.#topP = fround(topP);
    this.#random = new Xorshift64(BigInt(seed));
  }

  /** Draws a token. @param logits [vocabSize] f32, not changed */
  sample(logits: Float32Array): number {
    const best = argmax(logits);
    if (this.#temperature === 0) return best;
    const coin = this.#random.next();
    // So close to 0 that the division overflows.
    if (!Number.isFinite(fround(logits[best]! / this.#temperature))) return best;
    const probabilities = softmaxOf(logits, best, this.#temperature);
    return this.#topP > 0 && this.#topP < 1
      ? drawFromNucleus(probabilities, best, this.#topP, coin)
      : drawFromAll(probabilities, coin);
  }

  /** Goes on as if `count` tokens had been drawn: run.c draws, and drops, one for each prompt token of a chat. */
  skip(count: number): void {
    if (this.#temperature === 0) return;
    for (let i = 0; i < count; i++) this.#random.next();
  }
}

/**
 * The highest logit's index, the first of equals.
 * @throws NumericError when the logits are not all finite numbers
 */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i]!;
    if (value - value !== 0) {
      throw new NumericError('the model gave a logit that is no finite number', {
        got: `${value} for token ${i}`,
        next: 'check the device and the model with verify-npu',
      });
    }
    if (value > logits[best]!) best = i;
  }
  return best;
}

/** Probabilities at a temperature; every step rounded to float as run.c's are. */
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
  // Whatever is below this cannot be part of the nucleus; leaves few to sort.
  const cutoff = fround(fround(1 - topP) / (probabilities.length - 1));
  const candidates: number[] = [];
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! >= cutoff) candidates.push(i);
  // With a topP below 1/V even the likeliest may be under the cutoff.
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
