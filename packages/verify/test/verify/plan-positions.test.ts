import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { DEFAULT_POSITION_COUNT, planPositions } from '../../src/verify/index.js';
import { TINY } from '../support/models.js';

const LARGE = { ...TINY, seqLen: 200 };
const ofTokens = (count: number) => ({ number: 2, text: 'tea', tokens: Array<number>(count).fill(1) });

describe('planPositions', () => {
  test.each([
    ['by default so many', LARGE, 1, undefined, DEFAULT_POSITION_COUNT],
    ['the prompt where that is longer', LARGE, 130, undefined, 130],
    ['all where the model has fewer', TINY, 1, undefined, 24],
    ['as many as asked for', LARGE, 3, 7, 7],
    ['just the prompt', LARGE, 7, 7, 7],
    ['all of the model', TINY, 24, 24, 24],
  ])('%s', (_, config, tokens, positionCount, wanted) => {
    const prompt = { ...ofTokens(tokens), ...(positionCount !== undefined && { positionCount }) };
    expect(planPositions(prompt, config)).toBe(wanted);
  });

  test.each([
    [
      'no positions',
      { ...ofTokens(1), positionCount: 0 },
      'impossible number of positions: got 0, wanted 1 to 24',
    ],
    ['more than there are', { ...ofTokens(1), positionCount: 25 }, 'got 25, wanted 1 to 24'],
    [
      'fewer than the prompt',
      { ...ofTokens(5), positionCount: 4 },
      'does not fit: got 5 tokens, wanted 1 to 4',
    ],
    ['a prompt of nothing', ofTokens(0), 'does not fit: got 0 tokens'],
    ['a prompt beyond the model', ofTokens(25), 'got 25 tokens, wanted 1 to 24'],
    [
      'a token beyond the vocabulary',
      { ...ofTokens(0), tokens: [1, 301] },
      'no such token: got 301, wanted 0 to 300',
    ],
    ['half a token', { ...ofTokens(0), tokens: [0.5] }, 'no such token: got 0.5'],
  ])('refuses %s, naming the prompt', (_, prompt, message) => {
    const planning = (): unknown => planPositions(prompt, TINY);
    expect(planning).toThrow(UsageError);
    expect(planning).toThrow('prompt 2 "tea"');
    expect(planning).toThrow(message);
  });
});
