/**
 * How far an output may be from the exact product of its own input, as a part of the sum of magnitudes of its terms.
 *
 * Products of halves are exact in FP32; what rounds is the sum, and in which order the NPU sums is not documented. With
 * u = 2^-24 a float sum of K terms of mixed sign is off by about 0.5 u of the sum of magnitudes in whatever order; of
 * terms that all have one sign, summed one after the other, by u sqrt(K) / 3: 13 u for K = 1536. An accumulator that
 * cuts off instead of rounding doubles that. 2^-19 is 32 u. Measured on the simulated device: at most 2 u with trained
 * and random models. A single weight of K = 768 that is off by its lowest bit moves an output by about 32 u: dense
 * inputs find it or not; the inputs of a sweep that take one column at a time find every bit.
 *
 * No floor is needed: the least product of two halves is 2^-48, far above FP32's subnormals.
 */
export const PRODUCT_TOLERANCE = 2 ** -19;

/**
 * How far a step on the CPU may be from the same step in double, as a part of its scale: float arithmetic costs some
 * 2^-20, a float softmax over 1000 positions some 2^-18. An eighth of what rounding to FP16 costs right after (2^-11), so
 * what passes cannot matter.
 */
export const STEP_TOLERANCE = 2 ** -14;

/** A step's results below this FP16 rounds to zero. */
export const STEP_FLOOR = 2 ** -25;
