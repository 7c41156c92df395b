import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { type ProductRow, productError, RECOGNISED } from '../product-row.js';
import { PRODUCT_TOLERANCE, productTolerance } from '../tolerances.js';
import type { SignFinder } from './sign.js';
import { confirmed, partialProduct, type WrongOutput, wrongOutputs } from './wrong-outputs.js';

/** Below it a half is no normal number. */
const LEAST_NORMAL_HALF = 2 ** -14;
/** What an accumulator that cuts off may lose with each of its terms, and at most in all: parts of the magnitude. */
const CUT_OFF = 2 ** -23;
const MOST_CUT_OFF = 2 ** -12;
/** One or two that are nearly right may be what is left of something else. */
const FEW = 3;

/**
 * Nearly right: as sums are that round in another way. So near to the right result a bit, an offset or a neighbour would
 * fit by chance.
 */
export const roundingSign: SignFinder = ({ rows, matrix }) => {
  const cutOff = Math.min(MOST_CUT_OFF, matrix.layout.columns * CUT_OFF);
  const tolerance = Math.max(RECOGNISED, cutOff);
  const wrong = wrongOutputs({ rows });
  const near = ({ row, n, got }: WrongOutput): boolean =>
    productError(got, row.sums[n]!, row.magnitudes[n]!, tolerance) <= 1;
  if (wrong.length < FEW || !wrong.every(near)) return undefined;
  return { key: 'rounding', text: 'nearly right, as sums that round in another way' };
};

/** The right results of what is left when FP16's subnormal numbers are 0: of weights, of inputs, of both. */
export const subnormalsSign: SignFinder = ({ rows, matrix, weights }) => {
  const tolerance = productTolerance(PRODUCT_TOLERANCE, matrix.layout.columns);
  const wrong = wrongOutputs({ rows }, MOST_TRIED);
  for (const [text, ofWeights, ofInputs] of [
    ['weights', true, false],
    ['inputs', false, true],
    ['weights and inputs', true, true],
  ] as const) {
    const inputs = new Map<ProductRow, Float32Array>();
    const isFlushed = ({ row, n, got }: WrongOutput): boolean => {
      const input =
        inputs.get(row) ?? row.input.map(value => flushed(halfToFloat(floatToHalf(value)), ofInputs));
      inputs.set(row, input);
      const own = weights.subarray(n * input.length, (n + 1) * input.length);
      const { sum } = partialProduct(
        own.map(value => flushed(value, ofWeights)),
        0,
        input,
      );
      return sum !== row.sums[n]! && productError(got, sum, row.magnitudes[n]!, tolerance) <= 1;
    };
    if (confirmed(wrong, isFlushed)) return { key: 'subnormals', text: `as if ${text} below 2^-14 were 0` };
  }
  return undefined;
};

/** A good many: each costs a row of weights. */
const MOST_TRIED = 64;

function flushed(value: number, isFlushed: boolean): number {
  return isFlushed && Math.abs(value) < LEAST_NORMAL_HALF ? 0 : value;
}
