import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { allocateFloats } from '../host-memory.js';
import {
  type AttentionShape,
  addInPlace,
  applyRope,
  attention,
  type RopeTable,
  rmsNorm,
  swiglu,
} from '../kernels/index.js';
import type { Embedding } from './embedding.js';
import type { MatrixJob } from './matrix-job.js';

/** The matrices of a layer on the NPU. */
export interface LayerJobs {
  readonly wqkv: MatrixJob;
  readonly wo: MatrixJob;
  readonly w13: MatrixJob;
  readonly w2: MatrixJob;
}

/** What a model computes with: matrices on the NPU, norms on the CPU. */
export interface TransformerWeights {
  readonly config: ModelConfig;
  readonly embedding: Embedding;
  readonly layers: readonly LayerJobs[];
  readonly classifier: MatrixJob;
  /** [layers][dim] f32 */
  readonly rmsAtt: Float32Array;
  /** [layers][dim] f32 */
  readonly rmsFfn: Float32Array;
  /** [dim] f32 */
  readonly rmsFinal: Float32Array;
  readonly rope: RopeTable;
  /** The most rows of a job. */
  readonly maxRows: number;
}

/** Keys and values of the positions seen so far. */
export interface KvCache {
  /** [layers][seqLen][kvDim] f32 */
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** @throws ModelLimitError when this machine has not that much memory */
export function newKvCache(config: ModelConfig): KvCache {
  const elements = config.layerCount * config.seqLen * kvDim(config);
  return { keys: allocateFloats(elements, 'the keys'), values: allocateFloats(elements, 'the values') };
}

/** Runs rows of consecutive positions through the model; owns the activations between the steps. */
export class Transformer {
  readonly #weights: TransformerWeights;
  readonly #shape: AttentionShape;
  readonly #kvDim: number;
  // [maxRows][...] f32 each
  readonly #x: Float32Array;
  readonly #normed: Float32Array;
  readonly #query: Float32Array;
  readonly #attended: Float32Array;
  readonly #gate: Float32Array;
  readonly #up: Float32Array;
  readonly #delta: Float32Array;
  /** [seqLen] f32 */
  readonly #scores: Float32Array;

  constructor(weights: TransformerWeights) {
    const { config, maxRows } = weights;
    const rows = (columns: number): Float32Array => new Float32Array(maxRows * columns);
    this.#weights = weights;
    this.#kvDim = kvDim(config);
    this.#shape = {
      headCount: config.headCount,
      kvHeadCount: config.kvHeadCount,
      headSize: headSize(config),
    };
    this.#x = rows(config.dim);
    this.#normed = rows(config.dim);
    this.#query = rows(config.dim);
    this.#attended = rows(config.dim);
    this.#gate = rows(config.hiddenDim);
    this.#up = rows(config.hiddenDim);
    this.#delta = rows(config.dim);
    this.#scores = allocateFloats(config.seqLen, 'attention scores');
  }

  /**
   * Runs up to maxRows tokens, whose positions follow each other, and puts their keys and values into the cache.
   *
   * @param logits [tokens or 1][vocabSize] f32 from element `logitsAt`, or undefined where none are wanted
   * @param logitRows 'all', or the 'last' token's only
   */
  run(
    tokens: readonly number[],
    firstPosition: number,
    cache: KvCache,
    logits: Float32Array | undefined,
    logitsAt: number,
    logitRows: 'all' | 'last',
  ): void {
    const { config, embedding, layers } = this.#weights;
    const { dim } = config;
    const rows = tokens.length;
    tokens.forEach((token, row) => {
      embedding(token, this.#x.subarray(row * dim, (row + 1) * dim));
    });
    layers.forEach((jobs, layer) => {
      this.#attend(jobs, layer, rows, firstPosition, cache);
      this.#feedForward(jobs, layer, rows);
    });
    if (logits === undefined) return;
    const x = logitRows === 'all' ? this.#x : this.#x.subarray((rows - 1) * dim, rows * dim);
    const count = logitRows === 'all' ? rows : 1;
    rmsNorm(this.#normed, x, this.#weights.rmsFinal, 0, count, dim);
    this.#weights.classifier.run(this.#normed, count);
    this.#weights.classifier.read(0, logits, logitsAt);
  }

  /** x += wo . attention(rope(wq . norm(x)), cache with rope(wk . norm(x)), wv . norm(x)) */
  #attend({ wqkv, wo }: LayerJobs, layer: number, rows: number, firstPosition: number, cache: KvCache): void {
    const { config, rmsAtt, rope } = this.#weights;
    const { dim, seqLen } = config;
    const cacheAt = layer * seqLen * this.#kvDim;
    const newAt = cacheAt + firstPosition * this.#kvDim;
    rmsNorm(this.#normed, this.#x, rmsAtt, layer * dim, rows, dim);
    wqkv.run(this.#normed, rows);
    wqkv.read(0, this.#query);
    wqkv.read(1, cache.keys, newAt);
    wqkv.read(2, cache.values, newAt);
    for (let row = 0; row < rows; row++) {
      const position = firstPosition + row;
      const turns = rope.at(position);
      applyRope(this.#query, row * dim, dim, turns);
      applyRope(cache.keys, newAt + row * this.#kvDim, this.#kvDim, turns);
    }
    const { keys, values } = cache;
    for (let row = 0; row < rows; row++) {
      const at = row * dim;
      const position = firstPosition + row;
      attention(
        this.#attended,
        at,
        this.#query,
        at,
        keys,
        values,
        cacheAt,
        position,
        this.#scores,
        this.#shape,
      );
    }
    wo.run(this.#attended, rows);
    wo.read(0, this.#delta);
    addInPlace(this.#x, this.#delta, rows * dim);
  }

  /** x += w2 . (silu(w1 . norm(x)) * (w3 . norm(x))) */
  #feedForward({ w13, w2 }: LayerJobs, layer: number, rows: number): void {
    const { config, rmsFfn } = this.#weights;
    const { dim, hiddenDim } = config;
    rmsNorm(this.#normed, this.#x, rmsFfn, layer * dim, rows, dim);
    w13.run(this.#normed, rows);
    w13.read(0, this.#gate);
    w13.read(1, this.#up);
    swiglu(this.#gate, this.#up, rows * hiddenDim);
    w2.run(this.#gate, rows);
    w2.read(0, this.#delta);
    addInPlace(this.#x, this.#delta, rows * dim);
  }
}
