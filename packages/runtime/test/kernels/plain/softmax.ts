/** Softmax in place over elements 0 to count - 1. */
export function softmax(x: Float32Array, count: number): void {
  let max = x[0]!;
  for (let i = 1; i < count; i++) if (x[i]! > max) max = x[i]!;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const value = Math.exp(x[i]! - max);
    x[i] = value;
    sum += value;
  }
  const scale = 1 / sum;
  for (let i = 0; i < count; i++) x[i] = x[i]! * scale;
}
