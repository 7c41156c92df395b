const { fround } = Math;

const EPSILON = fround(1e-5);

/**
 * out_i = weight_i * x_i / sqrt(mean(x^2) + 1e-5), rounded step by step as llama2.c's rmsnorm.
 * @param out [dim] f32, may be x itself
 * @param x [dim] f32
 * @param weight [dim] f32
 */
export function rmsNorm(out: Float32Array, x: Float32Array, weight: Float32Array): void {
  let squares = fround(0);
  for (let i = 0; i < x.length; i++) squares = fround(squares + fround(x[i]! * x[i]!));
  const mean = fround(fround(squares / x.length) + EPSILON);
  const scale = fround(1 / fround(Math.sqrt(mean)));
  for (let i = 0; i < x.length; i++) out[i] = fround(weight[i]! * fround(scale * x[i]!));
}
