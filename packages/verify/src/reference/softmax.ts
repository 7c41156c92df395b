const { fround } = Math;

/**
 * Softmax in place, the maximum subtracted first, rounded step by step as llama2.c's.
 * @param values [count] f32, at least one
 */
export function softmax(values: Float32Array): void {
  let max = values[0]!;
  for (const value of values) if (value > max) max = value;
  let sum = fround(0);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.exp(fround(values[i]! - max));
    sum = fround(sum + values[i]!);
  }
  for (let i = 0; i < values.length; i++) values[i] = fround(values[i]! / sum);
}
