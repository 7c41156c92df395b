import { describe, expect, test } from '@jest/globals';
import { argmax, Sampler } from '../../src/index.js';
import { SamplerKernels } from '../../src/text/sampler-kernels.js';
import { randomNumbers } from '../support/random.js';
import { expf } from './support/expf.js';
import { PlainSampler, plainArgmax } from './support/plain-sampler.js';

type Shape = (random: () => number, count: number) => Float32Array;

const filled = (count: number, value: (i: number) => number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => value(i));
/** Numbers from 0 to 1. */
const between0And1 = (seed: number): (() => number) => {
  const random = randomNumbers(seed);
  return () => (random() + 1) / 2;
};
const LARGEST = 3.4028234663852886e38;

/** Vectors of logits in which a draw can go wrong in a way of its own. */
const SHAPES: Readonly<Record<string, Shape>> = {
  even: (random, count) => filled(count, () => random() * 8),
  'bell-shaped': (random, count) => filled(count, () => (random() + random() + random()) * 6),
  flat: (_, count) => new Float32Array(count).fill(-2.5),
  'nearly flat': (random, count) => filled(count, () => 1 + random() * 1e-3),
  'one token far above': (random, count) => {
    const logits = filled(count, () => random());
    logits[Math.floor(random() * count)] = 30;
    return logits;
  },
  'a few tokens above a flat rest': (random, count) => filled(count, () => (random() < 0.01 ? 9 : 0)),
  'many equals': (random, count) => filled(count, () => Math.floor(random() * 5)),
  'falling to 0 and beyond': (_, count) => filled(count, i => -i * (150 / count)),
  'rising, the likeliest last': (_, count) => filled(count, i => i * (20 / count)),
  'the largest floats': (random, count) => filled(count, () => (random() - 0.5) * 2 * LARGEST),
  'the smallest floats and zeros of both signs': (random, count) =>
    filled(count, () => (random() < 0.5 ? 2 ** -149 : random() < 0.5 ? -0 : 0)),
};

/** Around the kernels' groups of 4, the cutoff's V - 1, and what is sorted by insertion. */
const COUNTS = [1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 66, 130, 511, 2000];

describe('the kernels draw what the plain sampler draws', () => {
  test.each(Object.keys(SHAPES))('%s', name => {
    const random = between0And1(name.length);
    for (const count of COUNTS) {
      const logits = SHAPES[name]!(random, count);
      expect(argmax(logits)).toBe(plainArgmax(logits));
      for (const temperature of [0, 1e-3, 0.8, 1, 3, 1e38]) {
        for (const topP of [0, 1e-4, 0.1, 0.5, 0.9, 0.999, 1]) {
          const seed = BigInt(count * 1000) + BigInt(Math.floor(random() * 1e6)) + 1n;
          const options = { temperature, topP, seed };
          const kernels = new Sampler(options);
          const plain = new PlainSampler(options);
          const draws = Array.from({ length: 6 }, () => [kernels.sample(logits), plain.sample(logits)]);
          for (const [got, wanted] of draws) {
            if (got !== wanted) throw new Error(`${JSON.stringify({ count, temperature, topP })}: ${draws}`);
          }
        }
      }
    }
  });

  test.each(Object.keys(SHAPES))('a vocabulary of 32000 tokens, %s', name => {
    const logits = SHAPES[name]!(between0And1(7), 32000);
    for (const [topP, seed] of [
      [0.3, 11n],
      [0.9, 12n],
      [0.95, 13n],
      [1, 14n],
    ] as const) {
      const options = { temperature: 1, topP, seed };
      const kernels = new Sampler(options);
      const plain = new PlainSampler(options);
      for (let i = 0; i < 3; i++) expect(kernels.sample(logits)).toBe(plain.sample(logits));
    }
  });

  test('whatever the vocabulary of the draw before', () => {
    const random = between0And1(3);
    const options = { temperature: 1, topP: 0.9, seed: 5n };
    const kernels = new Sampler(options);
    const plain = new PlainSampler(options);
    for (const count of [5, 40001, 6, 1, 300, 299, 298, 297, 40000]) {
      const logits = SHAPES['even']!(random, count);
      expect(kernels.sample(logits)).toBe(plain.sample(logits));
    }
  });
});

describe('exponentials', () => {
  test("have expf's bits for every table entry, and are 0 from where it underflows", () => {
    const x = filled(5003, i => (-i * 110) / 5003);
    const kernels = new SamplerKernels(x.length);
    kernels.load(x);
    kernels.exponentials(1, 0);
    expect(kernels.values).toEqual(x.map(expf));
  });

  test.each([1, 4, 6, 9])(
    'of %d logits: their sum is added in order and float, and holds no others',
    count => {
      const random = between0And1(count);
      const kernels = new SamplerKernels(12);
      kernels.load(new Float32Array(12).fill(1));
      const logits = filled(count, () => -random() * 3);
      kernels.load(logits);
      const sum = kernels.exponentials(0.7, 0);
      const wanted = logits.map(logit => expf(Math.fround(logit / Math.fround(0.7))));
      expect(kernels.values).toEqual(wanted);
      expect(sum).toBe(wanted.reduce((total, value) => Math.fround(total + value), 0));
    },
  );
});
