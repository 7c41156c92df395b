const { fround } = Math;

/**
 * gate_i = silu(gate_i) * up_i, with silu(z) = z * (1 / (1 + exp(-z))) rounded step by step as llama2.c does.
 * @param gate [hiddenDim] f32: w1 . x, overwritten
 * @param up [hiddenDim] f32: w3 . x
 */
export function swiGlu(gate: Float32Array, up: Float32Array): void {
  for (let i = 0; i < gate.length; i++) {
    const z = gate[i]!;
    const sigmoid = fround(1 / fround(1 + fround(Math.exp(-z))));
    gate[i] = fround(fround(z * sigmoid) * up[i]!);
  }
}
