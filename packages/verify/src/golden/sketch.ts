import { argmax, klTerm, logSumExp, SPREAD_FLOOR } from '../compare/index.js';
import type { Comparison } from '../report/schema.js';

/** Logits that are kept with their tokens: enough to hold what a device may take for the best. */
const TOP = 8;
/** Random projections that are kept; the RMS error estimated from so many is off by 18 % (1 / sqrt(2 * 16)) typically. */
const PROJECTIONS = 16;

/** What a golden record keeps of one position's logits: some 450 bytes instead of 4 a token. */
export interface Sketch {
  /** [token, logit], the highest first, the lower token first of equals. */
  readonly top: readonly (readonly [token: number, logit: number])[];
  /** Standard deviation of all logits. */
  readonly spread: number;
  /** ln of the sum of e^logit. */
  readonly logSumExp: number;
  /** Sums of all logits with random signs; left out where the position is not sampled. */
  readonly projections?: readonly number[];
}

/** @param logits [vocabSize] f32, finite */
export function sketchOf(logits: Float32Array, sampled: boolean): Sketch {
  return {
    top: topOf(logits).map(token => [token, logits[token]!] as const),
    spread: standardDeviation(logits),
    logSumExp: logSumExp(logits),
    ...(sampled && { projections: Array.from(project(logits), sum => Math.fround(sum)) }),
  };
}

/**
 * Compares a device's logits with what was kept of the reference's.
 *
 * RMS: with signs s, the square of sum(s_i d_i) is sum(d_i^2) on average (Johnson and Lindenstrauss), so that a few such
 * sums tell the size of a difference of all logits. Where the position was not sampled, of the top logits only.
 * KL: of the top tokens and all others together, which is never more than the true one.
 * @param npu [vocabSize] f32, finite
 */
export function compareWithSketch(sketch: Sketch, npu: Float32Array): Comparison {
  const spread = Math.max(SPREAD_FLOOR, sketch.spread);
  const [referenceToken, referenceBest] = sketch.top[0]!;
  const npuToken = argmax(npu);
  return {
    referenceToken,
    referenceBest,
    npuToken,
    npuBest: npu[npuToken]!,
    margin: referenceBest - keptLogit(sketch, npuToken),
    spread,
    relativeRms: rmsDifference(sketch, npu) / spread,
    klDivergence: coarseKl(sketch, npu),
  };
}

/** What was kept of a token's logit; one that is not among the top is no higher than the last of them. */
export function keptLogit({ top }: Pick<Sketch, 'top'>, token: number): number {
  return (top.find(([candidate]) => candidate === token) ?? top[top.length - 1]!)[1];
}

function rmsDifference({ projections, top }: Sketch, npu: Float32Array): number {
  if (projections === undefined) {
    return Math.sqrt(mean(top.map(([token, logit]) => (npu[token]! - logit) ** 2)));
  }
  const sums = project(npu);
  return Math.sqrt(mean(projections.map((sum, i) => (sums[i]! - sum) ** 2)) / npu.length);
}

function coarseKl({ top, logSumExp: norm }: Sketch, npu: Float32Array): number {
  const npuNorm = logSumExp(npu);
  let kl = 0;
  let restP = 1;
  for (const [token, logit] of top) {
    kl += klTerm(logit - norm, npu[token]! - npuNorm);
    restP -= Math.exp(logit - norm);
  }
  if (top.length === npu.length) return kl;
  // Not 1 - sum: of a device that is sure of one token nothing would be left of the others.
  const kept = new Set(top.map(([token]) => token));
  const rest = npu.filter((_, token) => !kept.has(token));
  return kl + klTerm(Math.log(Math.max(0, restP)), logSumExp(rest) - npuNorm);
}

function topOf(logits: Float32Array): number[] {
  const top: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    if (top.length === TOP && logits[token]! <= logits[top[TOP - 1]!]!) continue;
    const at = top.findIndex(other => logits[token]! > logits[other]!);
    top.splice(at === -1 ? top.length : at, 0, token);
    if (top.length > TOP) top.pop();
  }
  return top;
}

function project(logits: Float32Array): Float64Array {
  const sums = new Float64Array(PROJECTIONS);
  for (let token = 0; token < logits.length; token++) {
    const value = logits[token]!;
    const signs = mix(token);
    for (let i = 0; i < PROJECTIONS; i++) sums[i]! += (signs >>> i) & 1 ? value : -value;
  }
  return sums;
}

/** 32 bits that look random, the same for a token everywhere: a multiply-and-shift hash (MurmurHash3's finalizer). */
function mix(token: number): number {
  let bits = token + 1;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function standardDeviation(values: Float32Array): number {
  const average = mean(Array.from(values));
  let squares = 0;
  for (const value of values) squares += (value - average) ** 2;
  return Math.sqrt(squares / values.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
