import { describe, expect, test } from '@jest/globals';
import { randomSequence } from '@npu-llama/fixtures';
import fc from 'fast-check';
import { compareLogits, klDivergence, SPREAD_FLOOR } from '../../src/compare/index.js';
import { compareWithSketch, sketchOf } from '../../src/golden/index.js';

const SIZE = 512;
/**
 * What rounding may add to a KL divergence: logits of 40 less a logarithm of 40 are right to 1e-14, a probability that is left over after
 * all others to as much, and its logarithm may be off by 80.
 */
const LAST_BITS = 1e-12;

/** Numbers like those of a bell curve: mean 0, deviation 1. */
function bell(seed: number, name: string): () => number {
  const random = randomSequence(seed, name);
  return () => Math.sqrt(3) * (random() + random() + random() + random() - 2);
}

function logitsOf(seed: number, size = SIZE): Float32Array {
  const next = bell(seed, 'logits');
  return Float32Array.from({ length: size }, () => 3 * next());
}

/** What is left of a record after it has been written down and read again. */
function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Two sets of logits of one vocabulary, with equals among them. */
const pairs = fc.integer({ min: 1, max: 60 }).chain(size => {
  const exact = fc
    .float32Array({ minLength: size, maxLength: size, min: -40, max: 40, noNaN: true })
    // JSON has one zero, and a record is JSON.
    .map(values => values.map(value => value + 0));
  const coarse = fc
    .array(fc.integer({ min: -3, max: 3 }), { minLength: size, maxLength: size })
    .map(values => Float32Array.from(values));
  const logits = fc.oneof(exact, coarse);
  return fc.tuple(logits, logits);
});

describe('sketchOf', () => {
  test('keeps the highest logits as they are, the lower token first of equals', () => {
    const logits = Float32Array.of(1, 5, 0.1, 5, -2, 7, 1, 0, 0, 5);
    const { top } = throughJson(sketchOf(logits, false));
    expect(top).toEqual([
      [5, 7],
      [1, 5],
      [3, 5],
      [9, 5],
      [0, 1],
      [6, 1],
      [2, Math.fround(0.1)],
      [7, 0],
    ]);
  });

  test('is what sorting all of them gives', () => {
    fc.assert(
      fc.property(pairs, ([logits]) => {
        const sorted = Array.from(logits.entries()).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
        expect(sketchOf(logits, false).top).toEqual(sorted.slice(0, 8));
      }),
    );
  });

  test('has projections where the position is sampled, the same each time, and nothing of them elsewhere', () => {
    const logits = logitsOf(1);
    expect(sketchOf(logits, true)).toEqual(sketchOf(logits.slice(), true));
    expect(sketchOf(logits, false)).not.toHaveProperty('projections');
    // Some hundred bytes, however large the vocabulary.
    expect(JSON.stringify(sketchOf(logitsOf(1, 32_000), true)).length).toBeLessThan(1000);
  });
});

describe('compareWithSketch', () => {
  test.each([true, false])('finds nothing between logits and their own sketch, sampled: %p', sampled => {
    fc.assert(
      fc.property(pairs, ([logits]) => {
        const comparison = compareWithSketch(throughJson(sketchOf(logits, sampled)), logits);
        const { referenceToken, npuToken, margin, spread } = compareLogits(logits, logits);
        expect(comparison).toMatchObject({ referenceToken, npuToken, margin });
        expect(comparison.spread).toBeCloseTo(spread, 6);
        // Projections are kept as floats.
        expect(comparison.relativeRms * comparison.spread).toBeLessThan(1e-4);
        expect(Math.abs(comparison.klDivergence)).toBeLessThan(LAST_BITS);
      }),
    );
  });

  test('tokens, logits and margins of the top are exact', () => {
    fc.assert(
      fc.property(pairs, ([reference, npu]) => {
        const kept = compareWithSketch(throughJson(sketchOf(reference, true)), npu);
        const whole = compareLogits(reference, npu);
        const { referenceToken, referenceBest, npuToken, npuBest } = whole;
        expect(kept).toMatchObject({ referenceToken, referenceBest, npuToken, npuBest });
        const isKept = sketchOf(reference, false).top.some(([token]) => token === npuToken);
        if (isKept) expect(kept.margin).toBe(whole.margin);
        // Otherwise it is as bad as the worst of the top at least, but never said to be worse than it is.
        else expect(kept.margin).toBeLessThanOrEqual(whole.margin);
      }),
    );
  });

  test('KL is never above the true one, and never negative', () => {
    fc.assert(
      fc.property(pairs, ([reference, npu]) => {
        const { klDivergence: kept } = compareWithSketch(throughJson(sketchOf(reference, false)), npu);
        const whole = klDivergence(reference, npu);
        expect(kept).toBeLessThanOrEqual(whole + LAST_BITS * (1 + whole));
        expect(kept).toBeGreaterThan(-LAST_BITS);
      }),
    );
  });

  test('KL of a vocabulary that is kept whole is the true one', () => {
    const reference = Float32Array.of(1, 2, 3, 4, 5);
    const npu = Float32Array.of(1, 2, 3, 5, 4);
    const { klDivergence: kept } = compareWithSketch(sketchOf(reference, false), npu);
    expect(kept).toBeCloseTo(klDivergence(reference, npu), 12);
  });

  test.each([
    ['impossible', [3000, 0], 300],
    ['so sure that nothing is left of the others', [0, 45], 45],
  ])('KL is right where the device finds a likely token %s', (_, npuLogits, atLeast) => {
    const fill = new Array<number>(20).fill(0);
    const reference = Float32Array.of(0, 1, ...fill);
    const npu = Float32Array.of(...npuLogits, ...fill);
    const { klDivergence: kept } = compareWithSketch(sketchOf(reference, false), npu);
    const whole = klDivergence(reference, npu);
    expect(whole).toBeGreaterThan(atLeast / 2);
    // All others are alike, so the rest together tell as much as one by one.
    expect(kept / whole).toBeCloseTo(1, 9);
  });

  test('a spread of nothing is taken as the floor', () => {
    expect(compareWithSketch(sketchOf(new Float32Array(9), true), new Float32Array(9)).spread).toBe(
      SPREAD_FLOOR,
    );
  });
});

describe('the RMS error', () => {
  /** Squares of what is estimated and of what is true, over many random differences. */
  function squares(size: number, difference: (next: () => number, token: number) => number): number[] {
    return Array.from({ length: 200 }, (_, seed) => {
      const reference = logitsOf(seed, size);
      const next = bell(seed, 'differences');
      const npu = reference.map((logit, token) => logit + difference(next, token));
      const kept = compareWithSketch(throughJson(sketchOf(reference, true)), npu);
      return (kept.relativeRms / compareLogits(reference, npu).relativeRms) ** 2;
    });
  }

  test.each<[string, number, (next: () => number, token: number) => number]>([
    ['everywhere alike', SIZE, next => 0.1 * next()],
    ['mostly in a group of 16', SIZE, (next, token) => (token >= 64 && token < 80 ? 1 : 0.01) * next()],
    ['all of one sign', SIZE, next => 0.1 * Math.abs(next())],
  ])(
    '%s: its square is right on average, single ones within what 16 projections give',
    (name, size, difference) => {
      const ratios = squares(size, difference);
      const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
      // Of one sign the differences have much in common from seed to seed, so the mean is that of fewer.
      expect(Math.abs(mean - 1)).toBeLessThan(name === 'all of one sign' ? 0.5 : 0.1);
      // A sixteenth of a chi-square of 16 degrees: beyond 0.18 to 3 once in a million.
      expect(Math.min(...ratios)).toBeGreaterThan(0.18);
      expect(Math.max(...ratios)).toBeLessThan(3);
    },
  );

  test.each([301, SIZE, 32_000])('a shift of all %i logits does not hide', size => {
    const reference = logitsOf(1, size);
    const npu = reference.map(logit => logit + 1);
    const ratio =
      compareWithSketch(sketchOf(reference, true), npu).relativeRms /
      compareLogits(reference, npu).relativeRms;
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  test.each([0, 7, 300, 511])('a single wrong logit, of token %i, is estimated exactly', token => {
    const reference = logitsOf(1);
    const npu = reference.slice();
    npu[token]! += 2;
    const kept = compareWithSketch(sketchOf(reference, true), npu);
    expect(kept.relativeRms).toBeCloseTo(compareLogits(reference, npu).relativeRms, 5);
  });

  test('where the position is not sampled is that of the top', () => {
    const reference = Float32Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const npu = reference.slice();
    npu[9] = -5;
    expect(compareWithSketch(sketchOf(reference, false), npu).relativeRms).toBe(0);
    npu[0] = 11;
    const { relativeRms, spread } = compareWithSketch(sketchOf(reference, false), npu);
    expect(relativeRms * spread).toBeCloseTo(Math.sqrt(4 / 8), 6);
  });
});
