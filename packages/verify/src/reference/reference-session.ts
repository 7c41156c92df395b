import { UsageError } from '@npu-llama/format';
import type { Arithmetic } from './arithmetic.js';
import { type Buffers, createBuffers, rowsOf } from './buffers.js';
import { ForwardPass } from './forward-pass.js';
import { createKeyValueCache, type LayerCache } from './kv-cache.js';
import { Matrices, type OnMatrix } from './matrices.js';
import { Pace } from './pace.js';
import { roundWeightToHalf } from './round-half.js';
import type { ReferenceWeights } from './weights.js';

/** Positions that share one reading of the weights: more gain little, and need more memory. */
const MAX_BATCH = 64;

export interface ReferenceSessionOptions {
  /** Default `fp32`. */
  readonly arithmetic?: Arithmetic;
  /** Told of every matrix product. */
  readonly onMatrix?: OnMatrix;
}

export interface ReferenceForwardOptions {
  /** Logits of every position (default), or of the last alone, which spares the classifier the others. */
  readonly logits?: 'all' | 'last';
  /** Ends the computation within some ten milliseconds; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * One text going through the reference model: llama2.c's forward pass on the CPU, in its order of operations, in either
 * arithmetic. It judges the NPU, so it shares no arithmetic and no data layout with what runs there. No bit of its logits
 * depends on how the tokens are batched.
 */
export class ReferenceSession {
  readonly arithmetic: Arithmetic;
  readonly #weights: ReferenceWeights;
  readonly #matrices: Matrices;
  readonly #cache: readonly LayerCache[];
  #buffers: Buffers;
  #logits: Float32Array = new Float32Array();
  #length = 0;
  #busy = false;

  /** @param capacity positions that will be asked for at most, 1 to the model's seqLen */
  constructor(
    weights: ReferenceWeights,
    readonly capacity: number,
    { arithmetic = 'fp32', onMatrix }: ReferenceSessionOptions = {},
  ) {
    const { config } = weights;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > config.seqLen) {
      throw new UsageError('impossible number of positions', {
        got: String(capacity),
        wanted: `1 to ${config.seqLen}, the model's seq_len`,
      });
    }
    this.arithmetic = arithmetic;
    this.#weights = weights;
    this.#matrices = new Matrices(arithmetic, weights.threads, onMatrix);
    this.#cache = createKeyValueCache(config, capacity);
    this.#buffers = createBuffers(config, 1);
  }

  /**
   * Runs tokens at consecutive positions; the event loop has its turn in between.
   * @param tokens at least one
   * @param firstPosition the next one, or an earlier one to go back to (what followed it is forgotten)
   * @returns f32 logits, [tokens][vocabSize] or of the last alone [vocabSize]; valid until the next call
   * @throws UsageError for a token or a position that there is not, or while another call is running;
   *   ReferenceOverflowError when an input of a matrix is beyond FP16, in fp16
   */
  async forward(
    tokens: readonly number[],
    firstPosition: number,
    { logits = 'all', signal }: ReferenceForwardOptions = {},
  ): Promise<Float32Array> {
    if (this.#busy) throw new UsageError('a reference session runs one call at a time');
    this.#check(tokens, firstPosition);
    this.#busy = true;
    // What fails half-way leaves the positions before it usable.
    this.#length = firstPosition;
    try {
      const { vocabSize } = this.#weights.config;
      const out = this.#room((logits === 'all' ? tokens.length : 1) * vocabSize);
      const pace = new Pace(signal);
      signal?.throwIfAborted();
      for (let done = 0; done < tokens.length; done += MAX_BATCH) {
        const batch = tokens.slice(done, done + MAX_BATCH);
        const last = done + batch.length === tokens.length;
        const rows =
          logits === 'all' ? out.subarray(done * vocabSize, (done + batch.length) * vocabSize) : out;
        await this.#run(batch, firstPosition + done, logits === 'all' || last ? rows : undefined, pace);
        this.#length = firstPosition + done + batch.length;
      }
      return out;
    } finally {
      this.#busy = false;
    }
  }

  /** @param logits of all rows or of the last alone, by its length; undefined for none */
  async #run(
    tokens: readonly number[],
    firstPosition: number,
    logits: Float32Array | undefined,
    pace: Pace,
  ): Promise<void> {
    const { config, layers, rmsFinal, classifier } = this.#weights;
    const buffers = this.#buffersFor(tokens.length);
    this.#embed(tokens, buffers.x);
    const pass = new ForwardPass(config, this.#matrices, buffers, firstPosition, pace);
    for (const [i, layer] of layers.entries()) {
      await pass.attention(layer, `layers.${i}`, this.#cache[i]!);
      await pass.feedForward(layer, `layers.${i}`);
    }
    if (logits === undefined) return;
    pass.norm(rmsFinal);
    const rows = logits.length / config.vocabSize;
    const input = buffers.normed.subarray((tokens.length - rows) * config.dim);
    const matrix = { name: 'classifier', weights: classifier, output: logits };
    await this.#matrices.multiply([matrix], input, firstPosition + tokens.length - rows, rows, pace);
  }

  #embed(tokens: readonly number[], x: Float32Array): void {
    const { tokenEmbedding } = this.#weights;
    for (const [b, row] of rowsOf(x, tokens.length).entries()) {
      const embedding = tokenEmbedding.row(tokens[b]!);
      row.set(this.arithmetic === 'fp16' ? embedding.map(roundWeightToHalf) : embedding);
    }
  }

  #buffersFor(batch: number): Buffers {
    if (this.#buffers.batch !== batch) this.#buffers = createBuffers(this.#weights.config, batch);
    return this.#buffers;
  }

  #room(floats: number): Float32Array {
    if (this.#logits.length < floats) this.#logits = new Float32Array(floats);
    return this.#logits.subarray(0, floats);
  }

  #check(tokens: readonly number[], firstPosition: number): void {
    const { vocabSize } = this.#weights.config;
    const wrong = tokens.find(token => !Number.isInteger(token) || token < 0 || token >= vocabSize);
    if (wrong !== undefined) {
      throw new UsageError('no such token', { got: String(wrong), wanted: `0 to ${vocabSize - 1}` });
    }
    const last = Math.min(this.#length, this.capacity - 1);
    if (!Number.isInteger(firstPosition) || firstPosition < 0 || firstPosition > last) {
      throw new UsageError('position out of turn', { got: String(firstPosition), wanted: `0 to ${last}` });
    }
    const room = this.capacity - firstPosition;
    if (tokens.length < 1 || tokens.length > room) {
      throw new UsageError(`cannot run these tokens from position ${firstPosition} on`, {
        got: `${tokens.length}`,
        wanted: `1 to ${room}`,
      });
    }
  }
}
