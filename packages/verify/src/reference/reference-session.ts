import { headSize, kvDim, type ModelConfig, UsageError } from '@npu-llama/format';
import { attend, type HeadShape } from './attention.js';
import { createLayerCache, type LayerCache, store } from './kv-cache.js';
import { matVec } from './mat-vec.js';
import { rmsNorm } from './rms-norm.js';
import { type Rotation, rotate, rotationAt } from './rope.js';
import { swiGlu } from './swiglu.js';
import type { LayerWeights, ReferenceWeights } from './weights.js';

const { fround } = Math;

/**
 * One text going through the reference model: llama2.c's forward pass on the CPU, in float32, in its order of
 * operations. It judges the NPU, so it shares no arithmetic and no data layout with what runs there.
 */
export class ReferenceSession {
  readonly #weights: ReferenceWeights;
  readonly #shape: HeadShape;
  readonly #cache: readonly LayerCache[];
  readonly #buffers: Buffers;
  #length = 0;

  /** @param capacity positions that will be asked for at most, 1 to the model's seqLen */
  constructor(
    weights: ReferenceWeights,
    readonly capacity: number,
  ) {
    const { config } = weights;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > config.seqLen) {
      throw new UsageError('impossible number of positions', {
        got: String(capacity),
        wanted: `1 to ${config.seqLen}, the model's seq_len`,
      });
    }
    this.#weights = weights;
    this.#shape = {
      headCount: config.headCount,
      kvHeadCount: config.kvHeadCount,
      headSize: headSize(config),
    };
    this.#cache = weights.layers.map(() => createLayerCache(config, capacity));
    this.#buffers = createBuffers(config);
  }

  /**
   * Runs one token.
   * @param position the next one, or an earlier one to go back to (what followed it is forgotten)
   * @returns [vocabSize] f32 logits, valid until the next call
   * @throws UsageError for a token or a position that there is not
   */
  forward(token: number, position: number): Float32Array {
    const { config, tokenEmbedding, layers, rmsFinal, classifier } = this.#weights;
    this.#check(token, position);
    const { x, logits } = this.#buffers;
    const rotation = rotationAt(position, this.#shape.headSize);
    x.set(tokenEmbedding.subarray(token * config.dim, (token + 1) * config.dim));
    layers.forEach((layer, i) => {
      this.#attention(layer, this.#cache[i]!, rotation, position);
      this.#feedForward(layer);
    });
    rmsNorm(x, x, rmsFinal);
    matVec(logits, x, classifier);
    this.#length = position + 1;
    return logits;
  }

  /** x += wo . attention(rmsnorm(x)) */
  #attention(layer: LayerWeights, cache: LayerCache, rotation: Rotation, position: number): void {
    const { x, normed, queries, keys, values, heads, update } = this.#buffers;
    rmsNorm(normed, x, layer.rmsAtt);
    matVec(queries, normed, layer.wq);
    matVec(keys, normed, layer.wk);
    matVec(values, normed, layer.wv);
    rotate(queries, rotation);
    rotate(keys, rotation);
    store(keys, cache.keys, position, cache.capacity, this.#shape.headSize);
    store(values, cache.values, position, cache.capacity, this.#shape.headSize);
    attend(heads, queries, cache, position, this.#shape);
    matVec(update, heads, layer.wo);
    add(x, update);
  }

  /** x += w2 . (silu(w1 . rmsnorm(x)) * (w3 . rmsnorm(x))) */
  #feedForward(layer: LayerWeights): void {
    const { x, normed, gate, up, update } = this.#buffers;
    rmsNorm(normed, x, layer.rmsFfn);
    matVec(gate, normed, layer.w1);
    matVec(up, normed, layer.w3);
    swiGlu(gate, up);
    matVec(update, gate, layer.w2);
    add(x, update);
  }

  #check(token: number, position: number): void {
    const { vocabSize } = this.#weights.config;
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new UsageError('no such token', { got: String(token), wanted: `0 to ${vocabSize - 1}` });
    }
    const last = Math.min(this.#length, this.capacity - 1);
    if (!Number.isInteger(position) || position < 0 || position > last) {
      throw new UsageError('position out of turn', { got: String(position), wanted: `0 to ${last}` });
    }
  }
}

/** What one token's pass writes, allocated once; all f32. */
function createBuffers(config: ModelConfig) {
  const { dim, hiddenDim, vocabSize } = config;
  const kv = kvDim(config);
  return {
    /** [dim] the residual stream */
    x: new Float32Array(dim),
    /** [dim] */
    normed: new Float32Array(dim),
    /** [headCount][headSize] */
    queries: new Float32Array(dim),
    /** [kvHeadCount][headSize] */
    keys: new Float32Array(kv),
    /** [kvHeadCount][headSize] */
    values: new Float32Array(kv),
    /** [headCount][headSize] */
    heads: new Float32Array(dim),
    /** [dim] what a block adds to x */
    update: new Float32Array(dim),
    /** [hiddenDim] */
    gate: new Float32Array(hiddenDim),
    /** [hiddenDim] */
    up: new Float32Array(hiddenDim),
    /** [vocabSize] */
    logits: new Float32Array(vocabSize),
  };
}
type Buffers = ReturnType<typeof createBuffers>;

function add(x: Float32Array, update: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = fround(x[i]! + update[i]!);
}
