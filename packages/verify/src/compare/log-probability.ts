/**
 * ln of the probability that logits give a token.
 * @param logits [vocabSize] f32; the result is NaN where they are not finite
 * @param norm their logSumExp, where it is known
 */
export function logProbability(logits: Float32Array, token: number, norm = logSumExp(logits)): number {
  return logits[token]! - norm;
}

/** ln(sum of e^value), the maximum taken out first. */
export function logSumExp(values: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > max) max = value;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - max);
  return max + Math.log(sum);
}
