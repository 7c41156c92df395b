import { describe, expect, test } from '@jest/globals';
import { randomSequence } from '@npu-llama/fixtures';
import { Sampler } from '@npu-llama/runtime';
import fc from 'fast-check';
import { ReferenceSampler, type Sampling } from '../../src/verify/index.js';

/** Coins and topP are floats; 64-bit seeds, none of them 0. */
const samplings: fc.Arbitrary<Sampling> = fc.record({
  temperature: fc.oneof(
    fc.double({ min: 0.05, max: 5, noNaN: true }),
    fc.constantFrom(1, 1e-3, 1e-6, 1e-39, 1e6),
  ),
  topP: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 0.9, 0.5, 1e-9)),
  seed: fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
});

/** Logits as models give them, and as broken ones do: many of one value, all but equal, far apart. */
const vocabularies: fc.Arbitrary<Float32Array> = fc.oneof(
  fc.float32Array({ minLength: 2, maxLength: 300, min: -12, max: 12, noNaN: true }),
  fc
    .array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 300 })
    .map(Float32Array.from.bind(Float32Array)),
  fc
    .array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 300 })
    .map(ulps => Float32Array.from(ulps, n => 4 + n * 2 ** -21)),
  fc.integer({ min: 2, max: 400 }).map(size => new Float32Array(size)),
  fc.float32Array({ minLength: 2, maxLength: 20, min: -(2 ** 100), max: 2 ** 100, noNaN: true }),
);

/** Draws of both samplers from the same logits, one after the other. */
function drawBoth(sampling: Sampling, logits: readonly Float32Array[]) {
  const runtime = new Sampler(sampling);
  const reference = new ReferenceSampler(sampling);
  return logits.map((row, i) => ({
    runtime: runtime.sample(row),
    reference: reference.draw(row, reference.coin(i)),
  }));
}

describe("against the runtime's sampler", () => {
  test('draws the same or, at a border, what it holds for as good', () => {
    fc.assert(
      fc.property(samplings, fc.array(vocabularies, { minLength: 1, maxLength: 4 }), (sampling, logits) => {
        for (const { runtime, reference } of drawBoth(sampling, logits)) {
          expect(reference.asGood).toContain(runtime);
          expect(reference.asGood).toContain(reference.token);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('borders are rare: of 2000 draws from a vocabulary of 300 all but a few have one answer, and it is the same', () => {
    const random = randomSequence(3, 'logits');
    const logits = Array.from({ length: 2000 }, () =>
      Float32Array.from({ length: 300 }, () => 3 * (random() + random() + random() + random() - 2)),
    );
    for (const topP of [0, 0.9]) {
      const draws = drawBoth({ temperature: 1, topP, seed: 42n }, logits);
      const sure = draws.filter(({ reference }) => reference.asGood.length === 1);
      expect(sure.length).toBeGreaterThan(1800);
      expect(sure.filter(({ runtime, reference }) => runtime !== reference.token)).toEqual([]);
      // It does draw: not always the likeliest.
      expect(new Set(draws.map(({ reference }) => reference.token)).size).toBeGreaterThan(100);
    }
  });
});

describe('coins', () => {
  test('are the same from the same seed, however they are asked for, and within [0, 1)', () => {
    const one = new ReferenceSampler({ temperature: 1, topP: 0.9, seed: 5n });
    const other = new ReferenceSampler({ temperature: 2, topP: 0, seed: 5n + (1n << 64n) });
    const backwards = [9, 3, 3, 0].map(i => other.coin(i));
    expect(backwards).toEqual([9, 3, 3, 0].map(i => one.coin(i)));
    const coins = Array.from({ length: 1000 }, (_, i) => one.coin(i));
    expect(Math.min(...coins)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...coins)).toBeLessThan(1);
    expect(coins.reduce((sum, coin) => sum + coin, 0) / 1000).toBeCloseTo(0.5, 1);
  });

  test('are those of xorshift64*, worked out by hand for seed 1', () => {
    // 1 ^ (1 << 25) = 0x2000001; >> 27 adds nothing; times 0x2545f4914f6cdd1d is 0x47e4ce4b896cdd1d modulo 2^64.
    const coin = new ReferenceSampler({ temperature: 1, topP: 0, seed: 1n }).coin(0);
    expect(coin).toBe(0x47e4ce / 2 ** 24);
  });
});

describe('a coin', () => {
  /** Probabilities 1/2, 1/4, 1/4. */
  const logits = Float32Array.of(Math.log(2), 0, 0);
  const draw = (coin: number, topP = 0): ReturnType<ReferenceSampler['draw']> =>
    new ReferenceSampler({ temperature: 1, topP, seed: 1n }).draw(logits, coin);

  test.each([
    [0, 0, [0]],
    [0.499, 0, [0]],
    [0.49999, 0, [0, 1]],
    [0.50001, 1, [0, 1]],
    [0.501, 1, [1]],
    [0.75001, 2, [1, 2]],
    [0.999, 2, [2]],
  ])('%d falls on token %i', (coin, token, asGood) => {
    expect(draw(coin)).toEqual({ token, asGood });
  });

  test.each([
    ['a nucleus that ends with the first', 0.4, 0.999, { token: 0, asGood: [0] }],
    // 2/3 and 1/3 of a sum of 3/4. The other of the two that are equal may stand there as well.
    ['a nucleus of two', 0.7, 0.6, { token: 0, asGood: [0] }],
    ['a nucleus of two, beyond its first', 0.7, 0.7, { token: 1, asGood: [1, 2] }],
    [
      'a nucleus whose end is a matter of rounding',
      0.75,
      0.999,
      { token: expect.any(Number), asGood: [1, 2] },
    ],
    ['a nucleus of less than the likeliest', 1e-9, 0.5, { token: 0, asGood: [0] }],
  ])('falls into %s', (_, topP, coin, drawn) => {
    expect(draw(coin, topP)).toEqual(drawn);
  });

  test.each([
    // Of 0.75, 0.6 is 0.45: within the first. Of 0.9 it is 0.54: beyond.
    ['just below two', 0.7499, [0]],
    ['just above two', 0.7501, [1]],
    ['two but for rounding, which may make it three', 0.75, [0, 1]],
  ])('falls into a nucleus of %s', (_, topP, asGood) => {
    const uneven = Float32Array.from([0.5, 0.25, 0.15, 0.1], Math.log);
    const sampler = new ReferenceSampler({ temperature: 1, topP, seed: 1n });
    expect(sampler.draw(uneven, 0.6).asGood).toEqual(asGood);
  });

  test('at a temperature so low that only the likeliest is left falls on it', () => {
    const cold = new ReferenceSampler({ temperature: 1e-39, topP: 0.9, seed: 1n });
    expect(cold.draw(Float32Array.of(1, 3, 2), 0.9)).toEqual({ token: 1, asGood: [1] });
  });
});
