/** gate = silu(gate) * up, element by element; silu(z) = z / (1 + exp(-z)). Both have `count` elements. */
export function swiglu(gate: Float32Array, up: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const z = gate[i]!;
    gate[i] = (z / (1 + Math.exp(-z))) * up[i]!;
  }
}
