import { allocateFloats } from '../host-memory.js';

const BASE = 10000;

/** Cosines and sines of RoPE's angles, position * 10000^(-2i/headSize): computed once for a model. */
export class RopeTable {
  readonly #frequencies: Float64Array;
  readonly #positions: number;
  #values: Float32Array | undefined;

  constructor(headSize: number, positions: number) {
    this.#frequencies = Float64Array.from({ length: headSize / 2 }, (_, i) => BASE ** ((-2 * i) / headSize));
    this.#positions = positions;
  }

  /** Computes [headSize/2][cos, sin] f32 of one position. */
  at(position: number): Float32Array {
    const turns = new Float32Array(2 * this.#frequencies.length);
    let element = 0;
    for (const frequency of this.#frequencies) {
      const angle = position * frequency;
      turns[element++] = Math.cos(angle);
      turns[element++] = Math.sin(angle);
    }
    return turns;
  }

  /**
   * [positions][headSize/2][cos, sin] f32, computed when first asked for.
   * @throws ModelLimitError when this machine has not that much memory
   */
  get values(): Float32Array {
    if (this.#values === undefined) {
      const rowLength = 2 * this.#frequencies.length;
      const values = allocateFloats(this.#positions * rowLength, 'the RoPE table');
      for (let position = 0; position < this.#positions; position++) {
        values.set(this.at(position), position * rowLength);
      }
      this.#values = values;
    }
    return this.#values;
  }
}
