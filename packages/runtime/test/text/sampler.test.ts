import { afterAll, describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { argmax, NumericError, Sampler, type SamplerOptions } from '../../src/index.js';
import { Xorshift64 } from '../../src/text/index.js';
import { thrownBy } from '../support/errors.js';
import { randomNumbers } from '../support/random.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { compileCSampler, type DrawCase } from './support/c-sampler.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cTokens = compileCSampler(folder.path);

/** Bell-shaped logits, as a model's are. */
function bellShaped(count: number, seed: number, spread: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => (random() + random() + random() + random()) * spread);
}

function draws({ temperature, topP, seed, vectors, draws: count }: DrawCase): Int32Array {
  const sampler = new Sampler({ temperature, topP, seed });
  return Int32Array.from({ length: count }, (_, i) => sampler.sample(vectors[i % vectors.length]!));
}

describe("against C's float arithmetic", () => {
  const TOP_PS = [0, 0.001, 0.5, 0.9, 0.999, 1];
  const TEMPERATURES = [0, 0.1, 0.8, 1, 1.7, 10];

  test.each([
    [3, 200],
    [17, 200],
    [512, 100],
    [4001, 12],
    [32000, 3],
  ])('a vocabulary of %d tokens: every draw is the same token', (vocab, count) => {
    const cases = TOP_PS.flatMap((topP, i) =>
      (vocab < 4000 ? TEMPERATURES : [0.8, 1.7]).map((temperature, j): DrawCase => {
        const vectors = [2, 5].map(spread => bellShaped(vocab, 100 * i + 10 * j + spread, spread));
        return { temperature, topP, seed: BigInt(vocab * 1000 + i * 10 + j + 1), vectors, draws: count };
      }),
    );
    expect(cases.map(draws)).toEqual(cTokens(cases));
  });

  test('equal logits, in the nucleus too: the lower token stands before the higher one', () => {
    const few = Float32Array.from({ length: 1000 }, (_, i) => i % 4);
    const all = new Float32Array(700);
    const cases = [0, 0.0001, 0.002, 0.25, 0.5, 0.9, 1].map((topP, i): DrawCase => {
      return { temperature: 1, topP, seed: BigInt(i + 1), vectors: [few], draws: 150 };
    });
    const uniform = [0, 0.0001, 0.002, 0.5, 0.9, 1].map((topP): DrawCase => {
      return { temperature: 1, topP, seed: 9n, vectors: [all], draws: 150 };
    });
    expect([...cases, ...uniform].map(draws)).toEqual(cTokens([...cases, ...uniform]));
  });

  test('the nucleus has to exceed top-p, and reaching the cutoff is enough', () => {
    // Two tokens of 1/2 each: the first alone is no more than top-p, and both are exactly at the cutoff.
    const one: DrawCase = {
      temperature: 1,
      topP: 0.5,
      seed: 3n,
      vectors: [Float32Array.of(1, 1)],
      draws: 100,
    };
    expect(draws(one)).toEqual(cTokens([one])[0]);
    expect(new Set(draws(one))).toEqual(new Set([0, 1]));
  });

  test.each([1n, 2n ** 63n, 2n ** 64n - 1n, 0x123456789abcdef0n])('seed %p', seed => {
    const one: DrawCase = { temperature: 1, topP: 1, seed, vectors: [bellShaped(512, 3, 1)], draws: 1000 };
    expect(draws(one)).toEqual(cTokens([one])[0]);
  });

  test('logits far apart, whose exponentials are subnormal or 0', () => {
    const vectors = [Float32Array.from({ length: 300 }, (_, i) => -i * 0.7), Float32Array.of(-1e38, 1e38, 0)];
    const cases = vectors.map((vector): DrawCase => {
      return { temperature: 1, topP: 0.999999, seed: 7n, vectors: [vector], draws: 2000 };
    });
    expect(cases.map(draws)).toEqual(cTokens(cases));
  });
});

describe('sampling', () => {
  const logits = bellShaped(64, 1, 2);

  test('a topP so small that no token reaches the cutoff gives the likeliest one', () => {
    const sampler = new Sampler({ topP: 0.001, seed: 1 });
    const equal = new Float32Array(100);
    expect(Array.from({ length: 20 }, () => sampler.sample(equal))).toEqual(new Array(20).fill(0));
  });

  test.each([1e-30, 1e-40, 1e-44, 1e-60])('a temperature of %p is as good as 0', temperature => {
    const sampler = new Sampler({ temperature, topP: 1, seed: 1 });
    for (const vector of [Float32Array.of(3, 5, 4, 4), Float32Array.of(-7, -5, -6, -6)]) {
      expect(Array.from({ length: 20 }, () => sampler.sample(vector))).toEqual(new Array(20).fill(1));
    }
  });

  test('does not change the logits', () => {
    const before = logits.slice();
    new Sampler({ seed: 1 }).sample(logits);
    expect(logits).toEqual(before);
  });

  test('the same seed gives the same tokens, as a number or as a bigint, and another one others', () => {
    const tokens = (options: SamplerOptions): number[] => {
      const sampler = new Sampler(options);
      return Array.from({ length: 50 }, () => sampler.sample(logits));
    };
    expect(tokens({ seed: 5 })).toEqual(tokens({ seed: 5n }));
    expect(tokens({ seed: 5 })).not.toEqual(tokens({ seed: 6 }));
    expect(tokens({})).toHaveLength(50);
  });

  test.each([0.7, 1, 1e-40])(
    'skip(n) goes on as if n tokens had been drawn, at temperature %p',
    temperature => {
      const drawing = new Sampler({ temperature, topP: 1, seed: 3 });
      const skipping = new Sampler({ temperature, topP: 1, seed: 3 });
      const flat = new Float32Array(4096);
      for (const count of [0, 1, 7]) {
        for (let i = 0; i < count; i++) drawing.sample(logits);
        skipping.skip(count);
        expect(skipping.sample(flat)).toBe(drawing.sample(flat));
      }
    },
  );

  test.each([
    [{ temperature: -0.1 }, 'impossible temperature: got -0.1'],
    [{ temperature: Number.NaN }, 'impossible temperature: got NaN'],
    [{ temperature: Number.POSITIVE_INFINITY }, 'impossible temperature: got Infinity'],
    [{ topP: -0.1 }, 'impossible top-p: got -0.1'],
    [{ topP: 1.1 }, 'impossible top-p: got 1.1'],
    [{ topP: Number.NaN }, 'impossible top-p: got NaN'],
    [{ seed: 0 }, 'impossible seed: got 0'],
    [{ seed: 0n }, 'impossible seed: got 0'],
    [{ seed: 2n ** 64n }, 'impossible seed: got 18446744073709551616'],
    [{ seed: 1.5 }, 'impossible seed: got 1.5'],
    [{ seed: Number.NaN }, 'impossible seed: got NaN'],
    [{ seed: 2 ** 60 }, 'impossible seed'],
  ])('refuses %p', (options, message) => {
    const error = thrownBy(() => new Sampler(options));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(message);
  });
});

describe('argmax', () => {
  test('is the first of equals', () => {
    expect(argmax(Float32Array.of(1, 3, 2, 3))).toBe(1);
    expect(argmax(new Float32Array(5))).toBe(0);
    expect(argmax(Float32Array.of(-2, -1))).toBe(1);
    expect(argmax(Float32Array.of(0, -0))).toBe(0);
    expect(argmax(Float32Array.of(-0, 0))).toBe(0);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'a logit of %p is an error that names the token, for every sampler',
    bad => {
      const logits = Float32Array.of(1, 2, bad, 4);
      for (const call of [
        () => argmax(logits),
        () => new Sampler({ temperature: 0 }).sample(logits),
        () => new Sampler({ seed: 1 }).sample(logits),
      ]) {
        const error = thrownBy(call);
        expect(error).toBeInstanceOf(NumericError);
        expect(error.message).toContain(`got ${bad} for token 2`);
      }
    },
  );
});

describe('xorshift64*', () => {
  test('a first number worked out by hand', () => {
    // State 1: 1 >> 12 is 0, 1 << 25 is 2^25, (2^25 + 1) >> 27 is 0: the state becomes 2^25 + 1.
    const top32 = (((2n ** 25n + 1n) * 0x2545f4914f6cdd1dn) % 2n ** 64n) >> 32n;
    expect(new Xorshift64(1n).next()).toBe(Number(top32 >> 8n) / 2 ** 24);
  });

  test('numbers are in [0, 1) with 24 bits, about evenly', () => {
    const random = new Xorshift64(42n);
    const bins = new Array<number>(8).fill(0);
    for (let i = 0; i < 8000; i++) {
      const value = random.next();
      expect(Number.isInteger(value * 2 ** 24)).toBe(true);
      bins[Math.floor(value * 8)]!++;
    }
    for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('a state of 0 would stay 0', () => {
    expect(thrownBy(() => new Xorshift64(2n ** 64n))).toBeInstanceOf(RangeError);
  });
});
