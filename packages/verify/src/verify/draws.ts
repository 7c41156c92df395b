import { argmax } from '../compare/index.js';
import type { Failure } from '../report/schema.js';
import type { Sampling } from './prompt.js';
import { type Drawn, ReferenceSampler } from './sampler.js';

/** Draws a token from logits [vocabSize] f32. */
export type Draw = (logits: Float32Array) => number;

/** Draws for both sides with the same coins, and holds the runtime's own draws against what its logits should give. */
export class PairedDraws {
  readonly #sampler: ReferenceSampler | undefined;
  readonly #npuDraw: Draw | undefined;
  readonly #coins = { reference: 0, npu: 0 };

  /**
   * @param sampling greedy without, or with temperature 0
   * @param npuDraw how the runtime under test draws; without it nothing of it is judged
   */
  constructor(sampling: Sampling | undefined, npuDraw: Draw | undefined) {
    this.#sampler = sampling && sampling.temperature > 0 ? new ReferenceSampler(sampling) : undefined;
    this.#npuDraw = npuDraw;
  }

  /** The reference's token. @param logits [vocabSize] f32 */
  reference(logits: Float32Array): number {
    return this.#drawn('reference', logits).token;
  }

  /** The runtime's token, and why it is not what its logits give where that is so. @param logits [vocabSize] f32 */
  npu(logits: Float32Array): { readonly token: number; readonly failure?: Failure } {
    const expected = this.#drawn('npu', logits);
    const token = this.#npuDraw?.(logits) ?? expected.token;
    if (expected.asGood.includes(token)) return { token };
    return { token, failure: { kind: 'sampler', got: token, wanted: expected.token } };
  }

  /** Each side goes through the coins by itself; they are the same for both. */
  #drawn(side: 'reference' | 'npu', logits: Float32Array): Drawn {
    if (this.#sampler !== undefined)
      return this.#sampler.draw(logits, this.#sampler.coin(this.#coins[side]++));
    const token = argmax(logits);
    return { token, asGood: [token] };
  }
}
