import { headSize, type ModelConfig } from '@npu-llama/format';
import { type Buffers, rowsOf } from './buffers.js';
import type { LayerCache } from './kv-cache.js';
import type { Matrices } from './matrices.js';
import type { Pace } from './pace.js';
import { rmsNorm } from './rms-norm.js';
import { type Rotation, rotate, rotationAt } from './rope.js';
import { swiGlu } from './swiglu.js';
import type { LayerWeights } from './weights.js';

const { fround } = Math;

/** Consecutive positions going through the layers together; each is computed as if it were alone. */
export class ForwardPass {
  readonly #rotations: readonly Rotation[];

  /**
   * @param buffers of this batch's size; x holds the embedding rows
   * @param firstPosition position of the first row
   */
  constructor(
    config: ModelConfig,
    readonly matrices: Matrices,
    readonly buffers: Buffers,
    readonly firstPosition: number,
    readonly pace: Pace,
  ) {
    const size = headSize(config);
    this.#rotations = Array.from({ length: buffers.batch }, (_, b) => rotationAt(firstPosition + b, size));
  }

  /** x += wo . attention(rmsnorm(x)) */
  async attention(layer: LayerWeights, name: string, cache: LayerCache): Promise<void> {
    const { x, normed, queries, keys, values, heads, update } = this.buffers;
    this.norm(layer.rmsAtt);
    await this.#multiply(normed, [
      { name: `${name}.wq`, weights: layer.wq, output: queries },
      { name: `${name}.wk`, weights: layer.wk, output: keys },
      { name: `${name}.wv`, weights: layer.wv, output: values },
    ]);
    const [queryRows, keyRows, valueRows, headRows] = [queries, keys, values, heads].map(matrix =>
      rowsOf(matrix, this.buffers.batch),
    );
    for (const [b, rotation] of this.#rotations.entries()) {
      const position = this.firstPosition + b;
      rotate(queryRows![b]!, rotation);
      rotate(keyRows![b]!, rotation);
      cache.store(position, keyRows![b]!, valueRows![b]!);
      cache.attend(headRows![b]!, queryRows![b]!, position);
      if (this.pace.due) await this.pace.rest();
    }
    await this.#multiply(heads, [{ name: `${name}.wo`, weights: layer.wo, output: update }]);
    add(x, update);
  }

  /** x += w2 . (silu(w1 . rmsnorm(x)) * (w3 . rmsnorm(x))) */
  async feedForward(layer: LayerWeights, name: string): Promise<void> {
    const { x, normed, gate, up, update } = this.buffers;
    this.norm(layer.rmsFfn);
    await this.#multiply(normed, [
      { name: `${name}.w1`, weights: layer.w1, output: gate },
      { name: `${name}.w3`, weights: layer.w3, output: up },
    ]);
    swiGlu(gate, up);
    await this.#multiply(gate, [{ name: `${name}.w2`, weights: layer.w2, output: update }]);
    add(x, update);
  }

  /** normed = rmsnorm(x), every row. */
  norm(weight: Float32Array): void {
    const { x, normed, batch } = this.buffers;
    const outputs = rowsOf(normed, batch);
    for (const [b, row] of rowsOf(x, batch).entries()) rmsNorm(outputs[b]!, row, weight);
  }

  async #multiply(input: Float32Array, matrices: Parameters<Matrices['multiply']>[0]): Promise<void> {
    await this.matrices.multiply(matrices, input, this.firstPosition, this.buffers.batch, this.pace);
  }
}

function add(x: Float32Array, update: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = fround(x[i]! + update[i]!);
}
