import { allocateFloats } from '../host-memory.js';

const BASE = 10000;

/** Cosines and sines of RoPE's angles, position * 10000^(-2i/headSize); a position's are computed when first asked for. */
export class RopeTable {
  readonly #frequencies: Float64Array;
  readonly #values: Float32Array;
  #known = 0;

  constructor(
    private readonly headSize: number,
    positions: number,
  ) {
    this.#frequencies = Float64Array.from({ length: headSize / 2 }, (_, i) => BASE ** ((-2 * i) / headSize));
    this.#values = allocateFloats(positions * headSize, 'the RoPE table');
  }

  /** [headSize/2][cos, sin] f32 of one position, as a view. */
  at(position: number): Float32Array {
    for (; this.#known <= position; this.#known++) {
      let element = this.#known * this.headSize;
      for (const frequency of this.#frequencies) {
        const angle = this.#known * frequency;
        this.#values[element++] = Math.cos(angle);
        this.#values[element++] = Math.sin(angle);
      }
    }
    return this.#values.subarray(position * this.headSize, (position + 1) * this.headSize);
  }
}

/**
 * Turns the pairs (2i, 2i+1) of every head of one position's queries or keys, in place.
 * @param vector [heads][headSize] f32, beginning at element `at`
 * @param turns [headSize/2][cos, sin] f32
 */
export function applyRope(vector: Float32Array, at: number, size: number, turns: Float32Array): void {
  const headSize = turns.length;
  for (let head = at; head < at + size; head += headSize) {
    for (let i = 0; i < headSize; i += 2) {
      const cos = turns[i]!;
      const sin = turns[i + 1]!;
      const a = vector[head + i]!;
      const b = vector[head + i + 1]!;
      vector[head + i] = a * cos - b * sin;
      vector[head + i + 1] = a * sin + b * cos;
    }
  }
}
