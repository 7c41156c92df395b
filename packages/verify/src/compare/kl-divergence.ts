import { logSumExp } from './log-probability.js';

/**
 * KL(reference || other) of the distributions that two sets of logits stand for, in nats: what is lost by sampling from
 * `other` instead. Never negative but for the last bit.
 *
 * Textbook sums of p ln(p/q) cancel almost completely where p and q nearly agree. Since p and q both sum to 1, adding
 * q - p to each term changes nothing, and every term becomes p (e^d - 1 - d) with d = ln q - ln p: never negative.
 * @param reference [vocabSize] f32, finite
 * @param other [vocabSize] f32, finite
 * @param referenceNorm logSumExp of the reference, where it is known
 * @param otherNorm as referenceNorm
 */
export function klDivergence(
  reference: Float32Array,
  other: Float32Array,
  referenceNorm = logSumExp(reference),
  otherNorm = logSumExp(other),
): number {
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    sum += klTerm(reference[i]! - referenceNorm, other[i]! - otherNorm);
  }
  return sum;
}

/**
 * One token's part of a divergence, nats.
 * @param logP its logarithm of probability in the reference; -Infinity for 0
 * @param logQ that in the other, finite
 */
export function klTerm(logP: number, logQ: number): number {
  const p = Math.exp(logP);
  const d = logQ - logP;
  // Far apart there is nothing to cancel, and e^d could overflow.
  return Math.abs(d) < 1 ? p * (Math.expm1(d) - d) : Math.exp(logQ) - p - (p === 0 ? 0 : p * d);
}
