import { headSize, kvDim } from '@npu-llama/format';
import type { AttentionShape } from '../kernels/index.js';
import type { Embedding } from './embedding.js';
import type { MatrixJob } from './matrix-job.js';
import type { ProductWatch } from './product-watch.js';
import { Turn } from './turn.js';
import { Workspace, type WorkspaceContents } from './workspace.js';

/** The matrices of a layer on the NPU. */
export interface LayerJobs {
  readonly wqkv: MatrixJob;
  readonly wo: MatrixJob;
  readonly w13: MatrixJob;
  readonly w2: MatrixJob;
}

/** What a model computes with: matrices on the NPU, norms and RoPE on the CPU. */
export interface TransformerWeights extends WorkspaceContents {
  readonly embedding: Embedding;
  readonly layers: readonly LayerJobs[];
  readonly classifier: MatrixJob;
}

/** Tokens to run at once, for one session. */
export interface Pass {
  /** Up to maxRows, their positions following each other. */
  readonly tokens: readonly number[];
  readonly firstPosition: number;
  /** The session's: where the activations go, and keys and values of these positions and those before. */
  readonly workspace: Workspace;
  /** [tokens with 'all', 1 with 'last'][vocabSize] f32 from element `at`; undefined where none are wanted. */
  readonly logits:
    | { readonly into: Float32Array; readonly at: number; readonly rows: 'all' | 'last' }
    | undefined;
  /** Shown every product. */
  readonly watch: ProductWatch | undefined;
}

/** Runs rows of consecutive positions through the model. */
export class Transformer {
  /** Of this and of whoever else runs the model's jobs. */
  readonly turn = new Turn();
  readonly #weights: TransformerWeights;
  readonly #shape: AttentionShape;
  readonly #kvDim: number;

  constructor(weights: TransformerWeights) {
    const { config } = weights;
    this.#weights = weights;
    this.#kvDim = kvDim(config);
    this.#shape = {
      headCount: config.headCount,
      kvHeadCount: config.kvHeadCount,
      headSize: headSize(config),
    };
  }

  /**
   * What a session needs to run.
   * @throws ModelLimitError when there is no memory for it
   */
  createWorkspace(): Workspace {
    return new Workspace(this.#weights);
  }

  /**
   * Runs a pass and puts its keys and values into the cache.
   * @throws UsageError within another pass of the model
   */
  run(pass: Pass): void {
    this.turn.take(() => this.#run(pass));
  }

  #run(pass: Pass): void {
    const { config, embedding, layers } = this.#weights;
    const { tokens, workspace } = pass;
    for (let row = 0; row < tokens.length; row++) {
      embedding.look(tokens[row]!, workspace.kernels, workspace.x, row * config.dim);
    }
    for (let layer = 0; layer < layers.length; layer++) {
      this.#attend(layers[layer]!, layer, pass);
      this.#feedForward(layers[layer]!, layer, pass);
    }
    if (pass.logits !== undefined) this.#classify(pass, pass.logits);
  }

  /** x += wo . attention(rope(wq . norm(x)), cache with rope(wk . norm(x)), wv . norm(x)) */
  #attend({ wqkv, wo }: LayerJobs, layer: number, { tokens, firstPosition, workspace, watch }: Pass): void {
    const { dim, seqLen } = this.#weights.config;
    const { kernels, x, normed, query, attended, delta, turns } = workspace;
    const { keys, values } = workspace.cache;
    const { headSize } = this.#shape;
    const rows = tokens.length;
    const cacheAt = layer * seqLen * this.#kvDim;
    const newAt = cacheAt + firstPosition * this.#kvDim;
    kernels.rmsNorm(normed, x, 0, workspace.rmsAtt, layer * dim, rows, dim);
    wqkv.run(kernels, normed, rows);
    watch?.tell(wqkv, firstPosition, normed, rows);
    wqkv.read(kernels, 0, query);
    wqkv.read(kernels, 1, keys, newAt);
    wqkv.read(kernels, 2, values, newAt);
    kernels.applyRope(query, 0, rows, dim, headSize, turns, firstPosition);
    kernels.applyRope(keys, newAt, rows, this.#kvDim, headSize, turns, firstPosition);
    kernels.attention(attended, query, keys, values, cacheAt, firstPosition, rows, this.#shape);
    wo.run(kernels, attended, rows);
    watch?.tell(wo, firstPosition, attended, rows);
    wo.read(kernels, 0, delta);
    kernels.addInPlace(x, delta, rows * dim);
  }

  /** x += w2 . (silu(w1 . norm(x)) * (w3 . norm(x))) */
  #feedForward({ w13, w2 }: LayerJobs, layer: number, pass: Pass): void {
    const { tokens, firstPosition, workspace, watch } = pass;
    const { dim, hiddenDim } = this.#weights.config;
    const { kernels, x, normed, gate, up, delta } = workspace;
    const rows = tokens.length;
    kernels.rmsNorm(normed, x, 0, workspace.rmsFfn, layer * dim, rows, dim);
    w13.run(kernels, normed, rows);
    watch?.tell(w13, firstPosition, normed, rows);
    w13.read(kernels, 0, gate);
    w13.read(kernels, 1, up);
    kernels.swiglu(gate, up, rows * hiddenDim);
    w2.run(kernels, gate, rows);
    watch?.tell(w2, firstPosition, gate, rows);
    w2.read(kernels, 0, delta);
    kernels.addInPlace(x, delta, rows * dim);
  }

  /** logits = classifier . norm(x), of all rows or of the last. */
  #classify(
    { tokens, firstPosition, workspace, watch }: Pass,
    { into, at, rows }: NonNullable<Pass['logits']>,
  ): void {
    const { config, classifier } = this.#weights;
    const { kernels, x, normed, rmsFinal } = workspace;
    const { dim } = config;
    const firstRow = rows === 'all' ? 0 : tokens.length - 1;
    const count = tokens.length - firstRow;
    kernels.rmsNorm(normed, x, firstRow * dim, rmsFinal, 0, count, dim);
    classifier.run(kernels, normed, count);
    watch?.tell(classifier, firstPosition + firstRow, normed, count);
    classifier.readOut(0, into, at);
  }
}
