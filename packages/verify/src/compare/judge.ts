import { compareLogits, type LogitsComparison } from './compare-logits.js';
import { findDefect, type LogitsDefect } from './find-defect.js';
import { POSITIONS_FOR_A_MEAN, type Tolerances } from './tolerances.js';

/** A figure beyond its tolerance, both in the unit that the kind names. */
export interface Excess {
  /** token: margin, in logits. positionRms, meanRms: part of the spread. klDivergence: nats. */
  readonly kind: 'token' | 'positionRms' | 'meanRms' | 'klDivergence';
  readonly got: number;
  readonly tolerance: number;
}

/** Why a position or a prompt fails. */
export type Failure = LogitsDefect | Excess;

/** What became of one position. */
export interface PositionResult {
  readonly position: number;
  /** The token that was fed. */
  readonly token: number;
  /** The reference's best next token. */
  readonly referenceToken: number;
  /** Undefined where the NPU's logits cannot be compared: then failures holds a defect. */
  readonly comparison: LogitsComparison | undefined;
  /** Empty where the position is fine. */
  readonly failures: readonly Failure[];
}

/** Compares one position's logits and holds them against the tolerances: no failure means fine. */
export function judgePosition(
  fed: { readonly position: number; readonly token: number; readonly referenceToken: number },
  reference: Float32Array,
  npu: Float32Array,
  tolerances: Tolerances,
): PositionResult {
  const defect = findDefect(npu, reference.length);
  if (defect !== undefined) return { ...fed, comparison: undefined, failures: [defect] };
  const comparison = compareLogits(reference, npu);
  const limits: readonly Excess[] = [
    { kind: 'token', got: comparison.margin, tolerance: tolerances.margin * comparison.spread },
    { kind: 'positionRms', got: comparison.relativeRms, tolerance: tolerances.positionRms },
    { kind: 'klDivergence', got: comparison.klDivergence, tolerance: tolerances.klDivergence },
  ];
  return { ...fed, comparison, failures: limits.filter(({ got, tolerance }) => got > tolerance) };
}

/** What only shows over a whole prompt: errors that are small at each position but larger than FP16's on average. */
export function judgePrompt(positions: readonly PositionResult[], tolerances: Tolerances): Excess[] {
  const mean = meanRelativeRms(positions);
  if (mean === undefined || positions.length < POSITIONS_FOR_A_MEAN || mean <= tolerances.meanRms) return [];
  return [{ kind: 'meanRms', got: mean, tolerance: tolerances.meanRms }];
}

/** Mean of relativeRms over the positions that could be compared; undefined where none could. */
export function meanRelativeRms(positions: readonly PositionResult[]): number | undefined {
  const values = positions.flatMap(({ comparison }) => (comparison ? [comparison.relativeRms] : []));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
