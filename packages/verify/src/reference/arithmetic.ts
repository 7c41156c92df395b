/**
 * How the reference multiplies matrices; norms, RoPE, attention, SwiGLU and the residual stream are float32 in both.
 * - `fp32`: as llama2.c: every product and every sum rounded to float32, columns ascending.
 * - `fp16`: as the NPU is meant to: weights and inputs rounded to FP16 first (nearest, ties to even; weights beyond 65504
 *   clamped as `convert-weights --saturate` does). Two halves multiply exactly in float32; their sums are as in fp32.
 *   The embedding row is of rounded weights too.
 */
export type Arithmetic = 'fp32' | 'fp16';
