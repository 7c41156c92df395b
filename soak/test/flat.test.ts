import { describe, expect, test } from '@jest/globals';
import {
  ALLOWED_GROWTH,
  growthOf,
  isGood,
  judge,
  MEASURES,
  type Measure,
  type MemorySample,
} from '../src/index.js';

const MIB = 2 ** 20;

/** A run of 100 samples, of which one measure is what `of` says and the others stay. */
function samples(measure: Measure, of: (sample: number) => number): MemorySample[] {
  return Array.from({ length: 100 }, (_, done) => {
    const still = Object.fromEntries(MEASURES.map(name => [name, 100 * MIB])) as Record<Measure, number>;
    return { ...still, done, [measure]: of(done) };
  });
}

const flat = (measure: Measure, of: (sample: number) => number): boolean =>
  growthOf(samples(measure, of)).find(growth => growth.measure === measure)!.isFlat;

describe('memory', () => {
  test.each(MEASURES)('%s that stays is flat, one that grows a little each time is not', measure => {
    const leak = Math.max(1, ALLOWED_GROWTH[measure] / 50);
    expect(flat(measure, () => 5)).toBe(true);
    expect(flat(measure, sample => 5 + sample * leak)).toBe(false);
    expect(growthOf(samples(measure, sample => sample * leak)).filter(growth => !growth.isFlat)).toHaveLength(
      1,
    );
  });

  test('that grows at the beginning, shrinks, or jumps once and comes back is flat', () => {
    expect(flat('rss', sample => Math.min(sample, 20) * 5 * MIB)).toBe(true);
    expect(flat('rss', sample => (200 - sample) * MIB)).toBe(true);
    expect(flat('rss', sample => (sample === 97 ? 900 : 100) * MIB)).toBe(true);
  });

  test('of a few samples is not judged', () => {
    expect(() => growthOf(samples('rss', () => 1).slice(0, 9))).toThrow('9 samples show no growth');
  });
});

describe('a run', () => {
  const result = (digests: string[][]) => ({ done: 100, digests, samples: samples('rss', () => 1) });
  const single = result([['a'], ['b']]);
  const part = { name: 'turns', unit: 'tokens' } as const;

  test.each([
    ['is the same when each text came out as in the single run', [['a'], ['b']], true],
    ['may not have come to each text', [['a'], []], true],
    ['is not when a text came out otherwise', [['a'], ['c']], false],
    ['is not when a text came out otherwise but once', [['a'], ['b', 'c']], false],
  ])('%s', (_, digests, isSame) => {
    const run = judge(part, result(digests), single);
    expect(run).toMatchObject({ ...part, done: 100, isSame });
    expect(isGood(run)).toBe(isSame);
  });
});
