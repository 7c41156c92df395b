import { argmax } from './argmax.js';
import { klDivergence } from './kl-divergence.js';
import { SPREAD_FLOOR } from './tolerances.js';

/** How the NPU's logits at one position differ from the reference's; logits in their own unit, sums in double. */
export interface LogitsComparison {
  /** The reference's choice: its highest logit, the first of equals. */
  readonly referenceToken: number;
  /** The NPU's choice. */
  readonly npuToken: number;
  /** The reference's logit of its choice. */
  readonly referenceBest: number;
  /** The NPU's logit of its choice. */
  readonly npuBest: number;
  /** By how much the reference finds the NPU's choice worse than its own best; 0 where they agree. */
  readonly margin: number;
  /**
   * Standard deviation of the reference's logits over the vocabulary, at least SPREAD_FLOOR: the scale that errors are
   * seen against.
   */
  readonly spread: number;
  /** Largest |NPU - reference|. */
  readonly maxDifference: number;
  /** Token that it is at. */
  readonly maxDifferenceToken: number;
  /** Root of the mean of (NPU - reference)^2, as part of the spread. */
  readonly relativeRms: number;
  /** Cosine of the angle between the two vectors of logits; 0 where just one is all zeros. */
  readonly cosine: number;
  /** KL(reference || NPU) of the two distributions, nats. */
  readonly klDivergence: number;
}

/**
 * Compares the logits of one position.
 * @param reference [vocabSize] f32, finite
 * @param npu [vocabSize] f32, finite: see findDefect
 * @param referenceNorm logSumExp of the reference, where it is known
 * @param npuNorm as referenceNorm
 */
export function compareLogits(
  reference: Float32Array,
  npu: Float32Array,
  referenceNorm?: number,
  npuNorm?: number,
): LogitsComparison {
  const count = reference.length;
  let sum = 0;
  let dot = 0;
  let referenceSquares = 0;
  let npuSquares = 0;
  let differenceSquares = 0;
  let maxDifference = 0;
  let maxDifferenceToken = 0;
  for (let i = 0; i < count; i++) {
    const r = reference[i]!;
    const n = npu[i]!;
    const difference = Math.abs(n - r);
    sum += r;
    dot += r * n;
    referenceSquares += r * r;
    npuSquares += n * n;
    differenceSquares += difference * difference;
    if (difference > maxDifference) {
      maxDifference = difference;
      maxDifferenceToken = i;
    }
  }
  const referenceToken = argmax(reference);
  const npuToken = argmax(npu);
  const referenceBest = reference[referenceToken]!;
  const spread = Math.max(SPREAD_FLOOR, standardDeviation(reference, sum / count));
  return {
    referenceToken,
    npuToken,
    referenceBest,
    npuBest: npu[npuToken]!,
    margin: referenceBest - reference[npuToken]!,
    spread,
    maxDifference,
    maxDifferenceToken,
    relativeRms: Math.sqrt(differenceSquares / count) / spread,
    cosine: cosine(dot, referenceSquares, npuSquares),
    klDivergence: klDivergence(reference, npu, referenceNorm, npuNorm),
  };
}

function standardDeviation(values: Float32Array, mean: number): number {
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/** Two vectors of zeros point the same way; one of them points nowhere. */
function cosine(dot: number, squaresA: number, squaresB: number): number {
  if (squaresA === 0 && squaresB === 0) return 1;
  return squaresA === 0 || squaresB === 0 ? 0 : dot / Math.sqrt(squaresA) / Math.sqrt(squaresB);
}
