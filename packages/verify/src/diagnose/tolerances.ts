/**
 * How far an output may be from the exact product of its own input: as a part of the sum of magnitudes of its terms, times
 * the square root of their number K.
 *
 * Products of halves are exact in FP32; what rounds is the sum, and in which order the NPU sums is not documented. With
 * u = 2^-24, float sums one after the other of K = 96 to 11008 terms were off by at most 3 u of the sum of magnitudes
 * where signs are mixed, but by up to 1.3 u sqrt(K) where one term is as large as all others together (activations
 * are like that) or all have one sign. 2^-22 is 4 u. On the simulated device (AVX) the worst was 0.9 u sqrt(K) in a text of
 * the trained fixture, 1.2 with a sweep's inputs, and less with models of 15M's and 110M's shape.
 *
 * A weight that is off by its lowest bit moves an output by about 600 u / K of the sum of magnitudes, so a dense input
 * need not show it; a sweep's inputs of one column at a time, and comparing the memory, show every bit.
 *
 * No floor is needed: the least product of two halves is 2^-48, far above FP32's subnormals.
 */
export const PRODUCT_TOLERANCE = 2 ** -22;

/** The part of the sum of magnitudes for products of K terms. @param tolerance PRODUCT_TOLERANCE, or another in its place */
export function productTolerance(tolerance: number, columns: number): number {
  return tolerance * Math.sqrt(columns);
}

/**
 * How far a step on the CPU may be from the same step in double, as a part of its scale: float arithmetic costs some
 * 2^-20, a float softmax over 1000 positions some 2^-18. An eighth of what rounding to FP16 costs right after (2^-11), so
 * what passes cannot matter.
 */
export const STEP_TOLERANCE = 2 ** -14;

/** A step's results below this FP16 rounds to zero. */
export const STEP_FLOOR = 2 ** -25;
