import type { TiledMatrix } from '@npu-llama/format';

/**
 * What each matrix is fed at one position when it runs alone: give `onMatrix` to an FP16-aware ReferenceSession, or call it
 * with what a session had.
 */
export class ReferenceInputs {
  readonly #inputs = new Map<string, Float32Array>();

  constructor(readonly position: number) {}

  /** @param matrix by its part or fused: `layers.3.wq`, `layers.3.wqkv` @param input [columns] f32, copied */
  readonly onMatrix = (matrix: string, position: number, input: Float32Array): void => {
    if (position === this.position) this.#inputs.set(matrix, input.slice());
  };

  /** [columns] f32: what went into a fused matrix, by any of its parts; undefined where it was not seen. */
  of({ name, parts }: TiledMatrix): Float32Array | undefined {
    const known = [name, ...parts.map(({ source }) => source)].find(key => this.#inputs.has(key));
    return known === undefined ? undefined : this.#inputs.get(known);
  }
}
