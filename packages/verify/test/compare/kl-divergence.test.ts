import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { klDivergence } from '../../src/compare/index.js';

/** Two sets of logits of one vocabulary. */
const pairs = fc.integer({ min: 2, max: 40 }).chain(size => {
  const logits = fc.float32Array({ minLength: size, maxLength: size, min: -50, max: 50, noNaN: true });
  return fc.tuple(logits, logits);
});

/** Sums of 40 doubles of size 1 are good to this. */
const LAST_BITS = 1e-14;

/** The definition, where it does not cancel. */
function textbook(reference: Float32Array, other: Float32Array): number {
  const probabilities = (logits: Float32Array): number[] => {
    const sum = Array.from(logits).reduce((total, logit) => total + Math.exp(logit), 0);
    return Array.from(logits, logit => Math.exp(logit) / sum);
  };
  const q = probabilities(other);
  return probabilities(reference).reduce((sum, p, i) => sum + p * Math.log(p / q[i]!), 0);
}

describe('klDivergence', () => {
  test('is what the definition says', () => {
    fc.assert(
      fc.property(pairs, ([reference, other]) => {
        const wanted = textbook(reference, other);
        expect(Math.abs(klDivergence(reference, other) - wanted)).toBeLessThan(1e-11 * (1 + wanted));
      }),
    );
  });

  test('is never negative, and 0 of a distribution with itself', () => {
    fc.assert(
      fc.property(pairs, ([reference, other]) => {
        expect(klDivergence(reference, other)).toBeGreaterThan(-LAST_BITS);
        expect(klDivergence(reference, reference)).toBe(0);
      }),
    );
  });

  test('does not see which token is which', () => {
    fc.assert(
      fc.property(pairs, ([reference, other]) => {
        const there = klDivergence(reference, other);
        const back = klDivergence(reference.slice().reverse(), other.slice().reverse());
        expect(Math.abs(there - back)).toBeLessThan(LAST_BITS * (1 + there));
      }),
    );
  });

  test('of two coins: 0.5 ln(0.5/0.75) + 0.5 ln(0.5/0.25)', () => {
    const fair = Float32Array.of(0, 0);
    const bent = Float32Array.of(Math.log(3), 0);
    expect(klDivergence(fair, bent)).toBeCloseTo(0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(2), 7);
    // And not symmetric.
    expect(klDivergence(bent, fair)).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 7);
  });

  test('does not see a shift of all logits', () => {
    expect(klDivergence(Float32Array.of(1, 2, 3), Float32Array.of(101, 102, 103))).toBeCloseTo(0, 15);
  });

  test('tiny ones do not drown in rounding: half the variance of the differences', () => {
    const d = 2 ** -20;
    expect(klDivergence(Float32Array.of(0, 0), Float32Array.of(d, 0)) / (d ** 2 / 8)).toBeCloseTo(1, 5);
  });

  test('stays finite where exponentials overflow', () => {
    expect(klDivergence(Float32Array.of(0, 2000), Float32Array.of(2000, 0))).toBeCloseTo(2000, 6);
    expect(klDivergence(Float32Array.of(3e38, -3e38), Float32Array.of(3e38, -3e38))).toBe(0);
  });
});
