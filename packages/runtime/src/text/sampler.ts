import { UsageError } from '@npu-llama/format';
import { NumericError } from '../errors.js';
import { Xorshift64 } from './random.js';
import { kernelsWith, type SamplerKernels } from './sampler-kernels.js';

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

  /**
   * Draws a token.
   * @param logits [vocabSize] f32, not changed
   * @throws NumericError when the logits are not all finite numbers
   */
  sample(logits: Float32Array): number {
    const temperature = this.#temperature;
    const kernels = kernelsWith(logits);
    const best = likeliestOf(kernels, logits);
    if (temperature === 0) return best;
    const coin = this.#random.next();
    const max = fround(logits[best]! / temperature);
    // So close to 0 that the division overflows.
    if (!Number.isFinite(max)) return best;
    const sum = kernels.exponentials(temperature, max);
    if (this.#topP === 0 || this.#topP === 1) return kernels.drawFromAll(sum, coin);
    // What is less probable cannot be part of the nucleus: leaves few to put in order.
    const cutoff = fround(fround(1 - this.#topP) / (logits.length - 1));
    const token = kernels.drawFromNucleus(sum, cutoff, this.#topP, coin);
    // With a topP below 1/V even the likeliest may be under the cutoff.
    return token === -1 ? best : token;
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
  return likeliestOf(kernelsWith(logits), logits);
}

function likeliestOf(kernels: SamplerKernels, logits: Float32Array): number {
  const best = kernels.likeliest();
  if (best !== -1) return best;
  const bad = logits.findIndex(logit => !Number.isFinite(logit));
  throw new NumericError('the model gave a logit that is no finite number', {
    got: `${logits[bad]} for token ${bad}`,
    next: 'check the device and the model with verify-npu',
  });
}
