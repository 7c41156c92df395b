import { describe, expect, test } from '@jest/globals';
import { predictToken, termsToAttack } from '../src/board/model.js';
import { type BoardParameters, RK3588 } from '../src/board/parameters.js';
import type { TokenCounts } from '../src/results.js';

const BOARD: BoardParameters = {
  cores: 3,
  bandwidth: { best: 20e9, worst: 10e9 },
  macRate: { best: 1e12, worst: 0.5e12 },
  submitMicroseconds: { best: 20, worst: 100 },
};
const COUNTS: TokenCounts = {
  cores: 3,
  submits: 50,
  tasks: 150,
  macs: 300e6,
  weightBytes: 200e6,
  featureBytes: 1e6,
  resultBytes: 0.5e6,
  programBytes: 0.5e6,
};
const HOST = { best: 500, worst: 1500 };

describe('the model of a board', () => {
  test('adds reading, submits and host work', () => {
    const { terms, token, tokensPerSecond } = predictToken(COUNTS, HOST, BOARD);
    const byName = Object.fromEntries(
      terms.map(({ name, best, worst }) => [name, [best, worst].map(Math.round)]),
    );
    expect(byName).toEqual({
      weights: [10_000, 20_000],
      'activations and programs': [100, 200],
      'multiply-accumulates': [100, 200],
      submits: [1000, 5000],
      'host work': [500, 1500],
    });
    expect(token.best).toBeCloseTo(11_600);
    expect(token.worst).toBeCloseTo(26_700);
    expect(tokensPerSecond.best).toBeCloseTo(1e6 / 11_600);
  });

  test('one core has a third of the bandwidth at worst and all of it at best, and its own multipliers', () => {
    const { terms } = predictToken({ ...COUNTS, cores: 1 }, HOST, BOARD);
    const byName = new Map(terms.map(term => [term.name, term]));
    expect(byName.get('weights')!.best).toBeCloseTo(10_000);
    expect(byName.get('weights')!.worst).toBeCloseTo(60_000);
    expect(byName.get('multiply-accumulates')!.best).toBeCloseTo(300);
  });

  test('multiplying counts where it takes longer than reading, and not on top of it', () => {
    const { token } = predictToken({ ...COUNTS, macs: 300e9 }, HOST, BOARD);
    expect(token.best).toBeCloseTo(100_000 + 1000 + 500);
  });

  test('refuses cores that a board does not have', () => {
    expect(() => predictToken({ ...COUNTS, cores: 4 }, HOST, BOARD)).toThrow('4 cores of 3');
  });

  test('names what there is most to win from', () => {
    const { terms } = predictToken(COUNTS, HOST, BOARD);
    const names = termsToAttack({ terms, token: HOST, tokensPerSecond: HOST }).map(({ name }) => name);
    expect(names).toEqual(['weights', 'submits', 'host work', 'activations and programs']);
  });

  test('takes 6 TOPS of INT8 as 0.5 T multiply-accumulates of FP16 a second and core at best', () => {
    expect(RK3588.macRate.best).toBe(0.5e12);
  });
});
