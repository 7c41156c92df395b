import { beforeAll, describe, expect, test } from '@jest/globals';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { UsageError } from '@npu-llama/format';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import { randomWeights, relativeError, TemporaryFolder, TINY, weightsOf } from '../support/models.js';
import { naiveLogits } from '../support/naive-model.js';

const TOKENS = [1, 17, 300, 17, 42, 0, 255, 9, 9];
/** Sums of a few hundred float32 roundings of 2^-24 each. */
const FLOAT32_ERROR = 2e-6;

/** Logits of every position, each a copy. */
async function run(
  weights: ReferenceWeights,
  tokens: readonly number[],
  capacity = tokens.length,
): Promise<Float32Array[]> {
  const session = new ReferenceSession(weights, capacity);
  const rows = [];
  for (const [position, token] of tokens.entries()) {
    rows.push((await session.forward([token], position)).slice());
  }
  return rows;
}

describe('the reference agrees with the formulas in double precision', () => {
  test.each([
    ['heads in groups, nothing a multiple of 8', TINY, true],
    ['a classifier of its own', TINY, false],
    ['as many key/value heads as heads', { ...TINY, kvHeadCount: 10 }, true],
    ['one key/value head for all', { ...TINY, kvHeadCount: 1 }, true],
    ['one head', { ...TINY, headCount: 1, kvHeadCount: 1 }, true],
    ['one layer', { ...TINY, layerCount: 1 }, true],
    ['a hidden layer of one', { ...TINY, hiddenDim: 1 }, true],
    [
      'multiples of 8',
      { ...TINY, dim: 32, headCount: 4, kvHeadCount: 2, hiddenDim: 64, vocabSize: 304 },
      true,
    ],
  ])('%s', async (_, config, sharedClassifier) => {
    const weights = await randomWeights({ config, sharedClassifier });
    const wanted = naiveLogits(weights, TOKENS);
    (await run(weights, TOKENS)).forEach((logits, position) => {
      expect(relativeError(logits, wanted[position]!)).toBeLessThan(FLOAT32_ERROR);
    });
  });
});

describe('versions of a checkpoint', () => {
  test('version 0 and 1 give the same bits, version 2 gives them within its quantisation', async () => {
    using folder = new TemporaryFolder();
    const results = [];
    for (const version of [0, 1, 2] as const) {
      const path = folder.file(`${version}.bin`);
      writeRandomCheckpoint(path, { config: { ...TINY, hiddenDim: 36 }, version, seed: 5 });
      results.push(await run(await weightsOf(path), TOKENS));
    }
    const [legacy, versioned, quantized] = results;
    expect(versioned).toEqual(legacy);
    legacy!.forEach((logits, position) => {
      expect(relativeError(quantized![position]!, logits)).toBeLessThan(0.1);
    });
  });
});

describe('positions', () => {
  let weights: ReferenceWeights;
  beforeAll(async () => {
    weights = await randomWeights({ config: TINY });
  });

  test('going back forgets what followed', async () => {
    const wanted = await run(weights, TOKENS);
    const session = new ReferenceSession(weights, TINY.seqLen);
    await session.forward([1, 17, 5, 5, 5], 0);
    for (let position = 2; position < TOKENS.length; position++) {
      expect(await session.forward([TOKENS[position]!], position)).toEqual(wanted[position]);
    }
  });

  test('room for more positions changes no bit', async () => {
    expect(await run(weights, TOKENS, TINY.seqLen)).toEqual(await run(weights, TOKENS));
  });

  test('sessions of one model do not disturb each other', async () => {
    const one = new ReferenceSession(weights, 3);
    const other = new ReferenceSession(weights, 3);
    await Promise.all([one.forward([1], 0), other.forward([250], 0)]);
    expect(await one.forward([17], 1)).toEqual((await run(weights, [1, 17]))[1]);
  });

  test('the same token says something else at another position', async () => {
    const [, first, second] = await run(weights, [1, 9, 9]);
    expect(relativeError(second!, first!)).toBeGreaterThan(1e-3);
  });

  test.each([
    ['a token below the vocabulary', -1, 0],
    ['a token above it', 301, 0],
    ['half a token', 1.5, 0],
    ['a position left out', 1, 1],
    ['a negative position', 1, -1],
  ])('rejects %s', async (_, token, position) => {
    await expect(new ReferenceSession(weights, 4).forward([token], position)).rejects.toThrow(UsageError);
  });

  test('rejects a position beyond its capacity', async () => {
    const session = new ReferenceSession(weights, 1);
    await session.forward([1], 0);
    await expect(session.forward([1], 1)).rejects.toThrow('position out of turn: got 1, wanted 0 to 0');
  });

  test.each([0, 25, 1.5])('rejects a capacity of %p', capacity => {
    expect(() => new ReferenceSession(weights, capacity)).toThrow(UsageError);
  });
});
