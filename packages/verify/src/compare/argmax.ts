/** Index of the largest value, the first of equals, as llama2.c picks a token at temperature 0. NaN is never largest. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i]! > values[best]! || Number.isNaN(values[best]!)) best = i;
  }
  // Where there is none but NaN, the first stands for all.
  return Number.isNaN(values[best]!) ? 0 : best;
}
