import { describe, expect, test } from '@jest/globals';
import { argmax, compareLogits, SPREAD_FLOOR } from '../../src/compare/index.js';

describe('argmax', () => {
  test.each([
    ['the largest', [1, 3, 2], 1],
    ['the first of equals', [0, 7, 7, 7], 1],
    ['negatives', [-3, -1, -2], 1],
    ['one', [5], 0],
    ['no NaN', [1, Number.NaN, 2], 2],
    ['no NaN, not even the first', [Number.NaN, 1, 2], 2],
    ['the first where there is no number', [Number.NaN, Number.NaN], 0],
    ['no minus infinity', [Number.NEGATIVE_INFINITY, -3], 1],
  ])('takes %s', (_, values, index) => {
    expect(argmax(Float32Array.from(values))).toBe(index);
  });
});

describe('compareLogits, by hand', () => {
  const reference = Float32Array.of(1, 2, 3, 4);
  const npu = Float32Array.of(1, 2, 5, 3);
  const comparison = compareLogits(reference, npu);

  test('choices, their logits, and by how much the NPU chose worse', () => {
    expect(comparison).toMatchObject({
      referenceToken: 3,
      npuToken: 2,
      referenceBest: 4,
      npuBest: 5,
      margin: 1,
    });
  });

  test('spread: mean 2.5, squares 2.25 + 0.25 + 0.25 + 2.25 over 4', () => {
    expect(comparison.spread).toBeCloseTo(Math.sqrt(1.25), 12);
  });

  test('differences 0, 0, 2, 1', () => {
    expect(comparison).toMatchObject({ maxDifference: 2, maxDifferenceToken: 2 });
    expect(comparison.relativeRms).toBeCloseTo(1, 12);
  });

  test('cosine: 1 + 4 + 15 + 12 over the root of 30 times 39', () => {
    expect(comparison.cosine).toBeCloseTo(32 / Math.sqrt(30 * 39), 12);
  });

  test('equal logits differ in nothing', () => {
    expect(compareLogits(reference, reference)).toMatchObject({
      margin: 0,
      maxDifference: 0,
      relativeRms: 0,
    });
    expect(compareLogits(reference, reference).klDivergence).toBe(0);
    expect(compareLogits(reference, reference).cosine).toBeCloseTo(1, 12);
  });

  test('zeros point nowhere', () => {
    const zeros = new Float32Array(4);
    expect(compareLogits(reference, zeros).cosine).toBe(0);
    expect(compareLogits(zeros, zeros).cosine).toBe(1);
  });

  test('a spread of nothing is taken as the floor', () => {
    const same = Float32Array.of(7, 7, 7);
    const comparison = compareLogits(same, Float32Array.of(8, 7, 7));
    expect(comparison.spread).toBe(SPREAD_FLOOR);
    expect(comparison.relativeRms).toBeCloseTo(Math.sqrt(1 / 3) / SPREAD_FLOOR, 9);
  });

  test('differences far smaller than the logits survive', () => {
    const large = Float32Array.of(1000, 1001);
    const larger = Float32Array.of(1000, 1001 + 2 ** -13);
    expect(compareLogits(large, larger).relativeRms).toBeCloseTo(2 ** -13 / Math.SQRT2 / 0.5, 12);
  });
});
