import type { Excess, Failure, PositionReport, Tolerances } from '../report/schema.js';
import { compareLogits, type LogitsComparison } from './compare-logits.js';
import { findDefect } from './find-defect.js';
import { logSumExp } from './log-probability.js';
import { type LogitsTolerances, POSITIONS_FOR_A_MEAN } from './tolerances.js';

export type Yardstick = 'fp32' | 'fp16';

/** One position's logits, [vocabSize] f32 each. */
export interface PositionLogits {
  readonly fp32: Float32Array;
  readonly fp16: Float32Array;
  readonly npu: Float32Array;
}

/** Of each logits their logSumExp: it takes the exponential of every logit, and several figures need it. */
export type LogitsNorms = { readonly [Side in keyof PositionLogits]: number };

export function normsOf({ fp32, fp16, npu }: PositionLogits): LogitsNorms {
  return { fp32: logSumExp(fp32), fp16: logSumExp(fp16), npu: logSumExp(npu) };
}

/** The position that the logits are of. */
export interface FedPosition {
  readonly position: number;
  /** The token that was fed. */
  readonly token: number;
  /** The FP32 reference's next token. */
  readonly referenceToken: number;
}

/**
 * Compares one position's logits and holds them against the tolerances. Only the FP16-aware reference finds the device
 * guilty: it rounds as the device must, so what FP16 itself costs is no fault.
 */
export function judgePosition(
  fed: FedPosition,
  { fp32, fp16, npu }: PositionLogits,
  tolerances: LogitsTolerances,
  norms = normsOf({ fp32, fp16, npu }),
): PositionReport {
  const { margin, relativeRms, klDivergence } = compareLogits(fp32, fp16, norms.fp32, norms.fp16);
  const cost = { margin, relativeRms, klDivergence };
  const defect = findDefect(npu, fp16.length);
  if (defect !== undefined) return { ...fed, cost, failures: [defect], accuracy: [] };
  const comparisons = {
    fp32: compareLogits(fp32, npu, norms.fp32, norms.npu),
    fp16: compareLogits(fp16, npu, norms.fp16, norms.npu),
  };
  return {
    ...fed,
    ...comparisons,
    cost,
    failures: excessesOf(comparisons.fp16, 'fp16', tolerances.fp16),
    accuracy: excessesOf(comparisons.fp32, 'fp32', tolerances.fp32),
  };
}

/** The figures of a comparison that are beyond their tolerances. */
export function excessesOf(
  comparison: Pick<LogitsComparison, 'margin' | 'spread' | 'relativeRms' | 'klDivergence'>,
  yardstick: Yardstick,
  tolerances: Tolerances[Yardstick],
): Excess[] {
  const limits = [
    { kind: 'token', got: comparison.margin, tolerance: tolerances.margin * comparison.spread },
    { kind: 'positionRms', got: comparison.relativeRms, tolerance: tolerances.positionRms },
    { kind: 'klDivergence', got: comparison.klDivergence, tolerance: tolerances.kl },
  ] as const;
  return limits
    .filter(({ got, tolerance }) => got > tolerance)
    .map(({ kind, got, tolerance }) => ({ kind, yardstick, got, tolerance }));
}

/** What only shows over a whole prompt: errors that are small at each position but larger than rounding's on average. */
export function judgePrompt(
  positions: readonly PositionReport[],
  tolerances: LogitsTolerances,
): { readonly failures: Failure[]; readonly accuracy: Excess[] } {
  return {
    failures: meanExcess(positions, 'fp16', tolerances),
    accuracy: meanExcess(positions, 'fp32', tolerances),
  };
}

function meanExcess(
  positions: readonly PositionReport[],
  yardstick: Yardstick,
  tolerances: LogitsTolerances,
): Excess[] {
  const tolerance = tolerances[yardstick].meanRms;
  const mean = meanRelativeRms(positions, yardstick);
  if (mean === undefined || positions.length < POSITIONS_FOR_A_MEAN || mean <= tolerance) return [];
  return [{ kind: 'meanRms', yardstick, got: mean, tolerance }];
}

/** Mean of relativeRms over the positions that could be compared; undefined where none could. */
export function meanRelativeRms(
  positions: readonly PositionReport[],
  yardstick: Yardstick,
): number | undefined {
  const values = positions.flatMap(position => position[yardstick]?.relativeRms ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
