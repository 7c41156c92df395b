const { fround } = Math;

const BASE = 10000;

/** Cosines and sines that turn the pairs of one head at one position. */
export interface Rotation {
  /** [headSize/2] f32 */
  readonly cos: Float32Array;
  /** [headSize/2] f32 */
  readonly sin: Float32Array;
}

/**
 * The angles of one position: pair i turns by position * 10000^(-2i/headSize). llama2.c calls powf, cosf and sinf; the
 * same in double, rounded to float after each call, is what a correctly rounded libm returns.
 */
export function rotationAt(position: number, headSize: number): Rotation {
  const cos = new Float32Array(headSize / 2);
  const sin = new Float32Array(headSize / 2);
  for (let pair = 0; pair < headSize / 2; pair++) {
    const exponent = fround((2 * pair) / headSize);
    const frequency = fround(1 / fround(BASE ** exponent));
    const angle = fround(position * frequency);
    cos[pair] = Math.cos(angle);
    sin[pair] = Math.sin(angle);
  }
  return { cos, sin };
}

/**
 * Turns the pairs (2i, 2i+1) of every head, in place.
 * @param vector [heads][headSize] f32: queries or keys of one position
 */
export function rotate(vector: Float32Array, { cos, sin }: Rotation): void {
  const pairs = cos.length;
  for (let i = 0; i < vector.length; i += 2) {
    const c = cos[(i / 2) % pairs]!;
    const s = sin[(i / 2) % pairs]!;
    const even = vector[i]!;
    const odd = vector[i + 1]!;
    vector[i] = fround(fround(even * c) - fround(odd * s));
    vector[i + 1] = fround(fround(even * s) + fround(odd * c));
  }
}
