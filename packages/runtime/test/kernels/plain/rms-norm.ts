/** As llama2.c has it. */
const EPSILON = 1e-5;

/**
 * out = weight * x / sqrt(mean(x^2) + 1e-5), row by row.
 * @param out [rows][size] f32
 * @param x [rows][size] f32
 * @param weight [size] f32, from element `weightAt`
 */
export function rmsNorm(
  out: Float32Array,
  x: Float32Array,
  weight: Float32Array,
  weightAt: number,
  rows: number,
  size: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = row * size;
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += x[i]! * x[i]!;
    const scale = 1 / Math.sqrt(squares / size + EPSILON);
    for (let i = 0; i < size; i++) out[start + i] = weight[weightAt + i]! * (scale * x[start + i]!);
  }
}
