import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { allocateFloats } from '../host-memory.js';
import { type AttentionShape, cpuKernels, type RopeTable } from '../kernels/index.js';
import type { Embedding } from './embedding.js';
import type { MatrixJob } from './matrix-job.js';
import type { ProductWatch } from './product-watch.js';
import { Turn } from './turn.js';

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

/** Keys, turned by RoPE, and values of the positions seen so far. */
export interface KvCache {
  /** [layers][seqLen][kvDim] f32 */
  readonly keys: Float32Array;
  /** [layers][seqLen][kvDim] f32 */
  readonly values: Float32Array;
}

/** Tokens to run at once, for one session. */
export interface Pass {
  /** Up to maxRows, their positions following each other. */
  readonly tokens: readonly number[];
  readonly firstPosition: number;
  /** Where their keys and values go, and those before them are. */
  readonly cache: KvCache;
  /** [tokens with 'all', 1 with 'last'][vocabSize] f32 from element `at`; undefined where none are wanted. */
  readonly logits:
    | { readonly into: Float32Array; readonly at: number; readonly rows: 'all' | 'last' }
    | undefined;
  /** Shown every product. */
  readonly watch: ProductWatch | undefined;
}

/** @throws ModelLimitError when this machine has not that much memory */
export function newKvCache(config: ModelConfig): KvCache {
  const elements = config.layerCount * config.seqLen * kvDim(config);
  return { keys: allocateFloats(elements, 'the keys'), values: allocateFloats(elements, 'the values') };
}

/** Runs rows of consecutive positions through the model; owns the activations between the steps. */
export class Transformer {
  /** Of this and of whoever else runs the model's jobs. */
  readonly turn = new Turn();
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
   * Runs a pass and puts its keys and values into the cache.
   * @throws UsageError within another pass of the model
   */
  run(pass: Pass): void {
    this.turn.take(() => this.#run(pass));
  }

  #run(pass: Pass): void {
    const { config, embedding, layers, rmsFinal, classifier } = this.#weights;
    const { tokens, firstPosition, logits } = pass;
    const { dim } = config;
    tokens.forEach((token, row) => {
      embedding(token, this.#x.subarray(row * dim, (row + 1) * dim));
    });
    layers.forEach((jobs, layer) => {
      this.#attend(jobs, layer, pass);
      this.#feedForward(jobs, layer, pass);
    });
    if (logits === undefined) return;
    const firstRow = logits.rows === 'all' ? 0 : tokens.length - 1;
    const count = tokens.length - firstRow;
    cpuKernels.rmsNorm(this.#normed, this.#x.subarray(firstRow * dim), rmsFinal, 0, count, dim);
    classifier.run(this.#normed, count);
    pass.watch?.tell(classifier, firstPosition + firstRow, this.#normed, count);
    classifier.read(0, logits.into, logits.at);
  }

  /** x += wo . attention(rope(wq . norm(x)), cache with rope(wk . norm(x)), wv . norm(x)) */
  #attend({ wqkv, wo }: LayerJobs, layer: number, { tokens, firstPosition, cache, watch }: Pass): void {
    const { config, rmsAtt, rope } = this.#weights;
    const rows = tokens.length;
    const { dim, seqLen } = config;
    const cacheAt = layer * seqLen * this.#kvDim;
    const newAt = cacheAt + firstPosition * this.#kvDim;
    cpuKernels.rmsNorm(this.#normed, this.#x, rmsAtt, layer * dim, rows, dim);
    wqkv.run(this.#normed, rows);
    watch?.tell(wqkv, firstPosition, this.#normed, rows);
    wqkv.read(0, this.#query);
    wqkv.read(1, cache.keys, newAt);
    wqkv.read(2, cache.values, newAt);
    for (let row = 0; row < rows; row++) {
      const position = firstPosition + row;
      const turns = rope.at(position);
      cpuKernels.applyRope(this.#query, row * dim, dim, turns);
      cpuKernels.applyRope(cache.keys, newAt + row * this.#kvDim, this.#kvDim, turns);
    }
    const { keys, values } = cache;
    for (let row = 0; row < rows; row++) {
      const at = row * dim;
      const position = firstPosition + row;
      cpuKernels.attention(
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
    watch?.tell(wo, firstPosition, this.#attended, rows);
    wo.read(0, this.#delta);
    cpuKernels.addInPlace(this.#x, this.#delta, rows * dim);
  }

  /** x += w2 . (silu(w1 . norm(x)) * (w3 . norm(x))) */
  #feedForward({ w13, w2 }: LayerJobs, layer: number, { tokens, firstPosition, watch }: Pass): void {
    const { config, rmsFfn } = this.#weights;
    const rows = tokens.length;
    const { dim, hiddenDim } = config;
    cpuKernels.rmsNorm(this.#normed, this.#x, rmsFfn, layer * dim, rows, dim);
    w13.run(this.#normed, rows);
    watch?.tell(w13, firstPosition, this.#normed, rows);
    w13.read(0, this.#gate);
    w13.read(1, this.#up);
    cpuKernels.swiglu(this.#gate, this.#up, rows * hiddenDim);
    w2.run(this.#gate, rows);
    watch?.tell(w2, firstPosition, this.#gate, rows);
    w2.read(0, this.#delta);
    cpuKernels.addInPlace(this.#x, this.#delta, rows * dim);
  }
}
