import type { Tolerances } from '../report/schema.js';

/**
 * What FP16 costs, measured on 400 random models (dim 2 to 576, 1 to 12 layers, 40 positions each) with weights and
 * matmul inputs rounded to FP16 and sums in FP32; parts of the logits' spread. docs/verification.md has more.
 *
 * | | typical | worst, dim >= 32 | worst, dim < 32 |
 * | --- | --- | --- | --- |
 * | RMS error of a position | 0.0018 | 0.0041 | 0.042 |
 * | RMS error, mean of a prompt | 0.0012 | 0.0019 | 0.0028 |
 * | margin of a token that flipped | 0 | 0.0034 | 0.0007 |
 * | KL, nats (absolute) | 1.7e-5 | 9.0e-5 | 5.6e-3 |
 */

/**
 * Against FP32: a token differs where the reference finds the NPU's choice worse than its own best by more than this part
 * of the logits' spread. Nine times the worst flip that FP16 alone made; with a usual spread of 3, less than 0.1 logits,
 * so the two candidates are within a tenth of being equally likely.
 */
export const FP32_MARGIN_TOLERANCE = 0.03;

/**
 * Against FP32: RMS error of one position, as part of the spread. More than twice the worst that FP16 did to models of a
 * handful of dimensions, where one rounding can turn the whole vector; 25 times the worst for any model of a useful size.
 */
export const FP32_POSITION_RMS_TOLERANCE = 0.1;

/** Against FP32: the same as a mean over a prompt, which is steady where single positions are not: 3.5 times the worst. */
export const FP32_MEAN_RMS_TOLERANCE = 0.01;

/**
 * Against FP32: KL(reference || NPU) of one position, in nats: 3.5 times the worst seen. Absolute, because it is what a
 * sampler notices: 0.02 nats cost 2 % of perplexity.
 */
export const FP32_KL_TOLERANCE = 0.02;

/**
 * Against the FP16-aware reference the same figures, of 350 random models (dim 2 to 384, 1 to 12 layers, 40 positions
 * each) on the simulated device. Both sides round the same numbers, but sums in another order differ by 1e-7, and where
 * that tips a rounding the next product differs by 5e-4 of an input: after a few layers such differences are as large as
 * rounding itself. No whole run can be held to less; the audit of single products can, and is (PRODUCT_TOLERANCE).
 *
 * | | typical | worst |
 * | --- | --- | --- |
 * | RMS error of a position | 0.0006 | 0.0023 |
 * | RMS error, mean of a prompt | 0.0005 | 0.0009 |
 * | margin of a token that flipped | 0 | 0.0011 |
 * | KL, nats | 2e-6 | 3.3e-5 |
 */

/** Against the FP16-aware reference: see FP32_MARGIN_TOLERANCE. Nearly five times the worst flip. */
export const FP16_MARGIN_TOLERANCE = 0.005;

/** Against the FP16-aware reference: RMS error of one position, as part of the spread. Four times the worst. */
export const FP16_POSITION_RMS_TOLERANCE = 0.01;

/** Against the FP16-aware reference: mean RMS error of a prompt, as part of the spread. Nearly three times the worst. */
export const FP16_MEAN_RMS_TOLERANCE = 0.0025;

/** Against the FP16-aware reference: KL of one position, in nats. Nine times the worst. */
export const FP16_KL_TOLERANCE = 0.0003;

/** Positions that make a mean: fewer are judged one by one only. */
export const POSITIONS_FOR_A_MEAN = 16;

/**
 * The least spread that errors are measured against. A model whose logits are all but equal has no choice to get wrong,
 * but FP16 still rounds (its smallest step is 6e-8 a weight).
 */
export const SPREAD_FLOOR = 1e-3;

/** Where rounding ends: against FP32 for accuracy, against the FP16-aware reference for the device. */
export type LogitsTolerances = Pick<Tolerances, 'fp32' | 'fp16'>;

export const DEFAULT_TOLERANCES: LogitsTolerances = {
  fp32: {
    margin: FP32_MARGIN_TOLERANCE,
    positionRms: FP32_POSITION_RMS_TOLERANCE,
    meanRms: FP32_MEAN_RMS_TOLERANCE,
    kl: FP32_KL_TOLERANCE,
  },
  fp16: {
    margin: FP16_MARGIN_TOLERANCE,
    positionRms: FP16_POSITION_RMS_TOLERANCE,
    meanRms: FP16_MEAN_RMS_TOLERANCE,
    kl: FP16_KL_TOLERANCE,
  },
};
