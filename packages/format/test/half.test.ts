import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  floatToHalf,
  HALF_MAX,
  HALF_OVERFLOW,
  halfFromFloatBits,
  halfToFloat,
  halfValues,
} from '../src/index.js';
import { bitsOfFloat, floatFromBits, nearestHalf, unitsOfHalf } from './half-oracle.js';

const isNaNHalf = (half: number): boolean => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;

const ALL = Array.from({ length: 0x10000 }, (_, half) => half);

describe('halfToFloat', () => {
  test('is exact for all 63488 finite halves', () => {
    const finite = ALL.filter(half => (half & 0x7c00) !== 0x7c00);
    const wrong = finite.filter(half => {
      // In steps of 2^-24 it is a whole number of at most 40 bits, which a double holds.
      const magnitude = Number(unitsOfHalf(half & 0x7fff) >> 125n) * 2 ** -24;
      return !Object.is(halfToFloat(half), half & 0x8000 ? -magnitude : magnitude);
    });
    expect(finite).toHaveLength(63488);
    expect(wrong).toEqual([]);
  });

  test('knows both infinities and every NaN', () => {
    expect(halfToFloat(0x7c00)).toBe(Number.POSITIVE_INFINITY);
    expect(halfToFloat(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
    expect(ALL.filter(half => Number.isNaN(halfToFloat(half)) !== isNaNHalf(half))).toEqual([]);
  });

  test('agrees with the table for all 65536', () => {
    const values = halfValues();
    expect(ALL.filter(half => !Object.is(values[half], halfToFloat(half)))).toEqual([]);
  });
});

describe('floatToHalf', () => {
  test('gives back each of the 65536 halves', () => {
    const wrong = ALL.filter(half => {
      const back = floatToHalf(halfToFloat(half));
      return isNaNHalf(half) ? !isNaNHalf(back) : back !== half;
    });
    expect(wrong).toEqual([]);
  });

  test('rounds to even between any two neighbours, and to the nearer just beside the middle', () => {
    let wrong = 0;
    for (let half = 0; half < 0x7c00; half++) {
      // The middle of 65504 and 65536 is 65520, from where on it is infinity.
      const above = half === 0x7bff ? 65536 : halfToFloat(half + 1);
      const middle = bitsOfFloat((halfToFloat(half) + above) / 2);
      for (const bits of [middle - 1, middle, middle + 1]) {
        if (halfFromFloatBits(bits) !== nearestHalf(bits)) wrong++;
        const negative = (bits | 0x80000000) >>> 0;
        if (halfFromFloatBits(negative) !== nearestHalf(negative)) wrong++;
      }
    }
    expect(wrong).toBe(0);
  });

  test('is the nearest half for random floats of every exponent', () => {
    const bits = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(bits, pattern => {
        const half = halfFromFloatBits(pattern);
        const wanted = nearestHalf(pattern);
        return wanted === -1 ? isNaNHalf(half) : half === wanted;
      }),
      { numRuns: 20_000 },
    );
  });

  test('is the nearest half for random floats of the size of weights', () => {
    fc.assert(
      fc.property(fc.float({ min: -4, max: 4, noNaN: true }), value => {
        const bits = bitsOfFloat(value);
        return floatToHalf(value) === nearestHalf(bits);
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    [0, 0x0000],
    [-0, 0x8000],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // halfway to the smallest subnormal: to even, which is zero
    [1.5 * 2 ** -24, 0x0002],
    [-(2 ** -149), 0x8000],
    [2 ** -14, 0x0400],
    [1, 0x3c00],
    [HALF_MAX, 0x7bff],
    [65519.99, 0x7bff],
    [HALF_OVERFLOW, 0x7c00],
    [-HALF_OVERFLOW, 0xfc00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])('%p is 0x%s', (value, half) => expect(floatToHalf(value)).toBe(half));

  test('ignores what a NaN carries', () => {
    for (const bits of [0x7f800001, 0x7fc00000, 0xffffffff]) {
      expect(Number.isNaN(floatFromBits(bits))).toBe(true);
      expect(isNaNHalf(halfFromFloatBits(bits))).toBe(true);
    }
  });
});
