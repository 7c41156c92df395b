import { logProbability } from './log-probability.js';

/** Gathers how well a model foretells a text. */
export class Perplexity {
  #sum = 0;
  #count = 0;

  /** @param logits of the position before @param token what came @param norm the logits' logSumExp, where it is known */
  add(logits: Float32Array, token: number, norm?: number): void {
    this.#sum -= logProbability(logits, token, norm);
    this.#count++;
  }

  /** exp of the mean of -ln p; undefined for a text of one token, NaN after logits that were not finite. */
  get value(): number | undefined {
    return this.#count === 0 ? undefined : Math.exp(this.#sum / this.#count);
  }
}
