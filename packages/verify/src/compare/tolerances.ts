/**
 * What FP16 costs, measured on 400 random models (dim 2 to 576, 1 to 12 layers, 40 positions each) with weights and
 * matmul inputs rounded to FP16 and sums in FP32; parts of the logits' spread. docs/verification.md has more, among it
 * which faults these bounds find.
 *
 * | | typical | worst, dim >= 32 | worst, dim < 32 |
 * | --- | --- | --- | --- |
 * | RMS error of a position | 0.0018 | 0.0041 | 0.042 |
 * | RMS error, mean of a prompt | 0.0012 | 0.0019 | 0.0028 |
 * | margin of a token that flipped | 0 | 0.0034 | 0.0007 |
 * | KL, nats (absolute) | 1.7e-5 | 9.0e-5 | 5.6e-3 |
 */

/**
 * A token differs where the reference finds the NPU's choice worse than its own best by more than this part of the
 * logits' spread. Nine times the worst flip that FP16 alone made; with a usual spread of 3, less than 0.1 logits, so the
 * two candidates are within a tenth of being equally likely.
 */
export const MARGIN_TOLERANCE = 0.03;

/**
 * RMS error of one position, as part of the spread. More than twice the worst that FP16 did to models of a handful of
 * dimensions, where one rounding can turn the whole vector; 25 times the worst for any model of a useful size.
 */
export const POSITION_RMS_TOLERANCE = 0.1;

/**
 * The same as a mean over a prompt, which is steady where single positions are not: 3.5 times the worst seen. This is
 * what finds an NPU that is a little wrong everywhere and still picks the right tokens.
 */
export const MEAN_RMS_TOLERANCE = 0.01;

/** Positions that make a mean: fewer are judged one by one only. */
export const POSITIONS_FOR_A_MEAN = 16;

/**
 * KL(reference || NPU) of one position, in nats: 3.5 times the worst seen. Absolute, because it is what a sampler
 * notices: 0.02 nats cost 2 % of perplexity. It guards models with a large spread, where little of it is much.
 */
export const KL_TOLERANCE = 0.02;

/**
 * The least spread that errors are measured against. A model whose logits are all but equal has no choice to get wrong,
 * but FP16 still rounds (its smallest step is 6e-8 a weight).
 */
export const SPREAD_FLOOR = 1e-3;

/** Where rounding ends and a fault begins. */
export interface Tolerances {
  /** Of the spread: see MARGIN_TOLERANCE. */
  readonly margin: number;
  /** Of the spread: see POSITION_RMS_TOLERANCE. */
  readonly positionRms: number;
  /** Of the spread: see MEAN_RMS_TOLERANCE. */
  readonly meanRms: number;
  /** Nats: see KL_TOLERANCE. */
  readonly klDivergence: number;
}

/** For an NPU that multiplies FP16 and sums FP32, against an FP32 reference. */
export const DEFAULT_TOLERANCES: Tolerances = {
  margin: MARGIN_TOLERANCE,
  positionRms: POSITION_RMS_TOLERANCE,
  meanRms: MEAN_RMS_TOLERANCE,
  klDivergence: KL_TOLERANCE,
};
