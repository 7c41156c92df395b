import { describe, expect, test } from '@jest/globals';
import { splitOutputs } from '../../src/program/index.js';

const cases = [16, 32, 48, 8192, 8208, 32000, 128256].flatMap(outputs =>
  [1, 2, 3].map(cores => [outputs, cores] as const),
);

const ranges = (outputs: number, cores: number) =>
  splitOutputs(outputs, cores).map(tasks => tasks.map(({ first, count }) => [first, count]));

describe.each(cases)('N %i on %i core(s)', (outputs, cores) => {
  const split = splitOutputs(outputs, cores);
  const tasks = split.flat();

  test('covers every row exactly once, in order', () => {
    let next = 0;
    for (const { first, count } of tasks) {
      expect(first).toBe(next);
      next += count;
    }
    expect(next).toBe(outputs);
  });

  test('splits in whole 16-row groups', () => {
    for (const { count } of tasks) expect([count % 16, count > 0]).toEqual([0, true]);
  });

  test('has at most 8192 outputs a task', () => {
    for (const { count } of tasks) expect(count).toBeLessThanOrEqual(8192);
  });

  test('has no more tasks than it takes', () => {
    for (const share of split) {
      const rows = share.reduce((sum, { count }) => sum + count, 0);
      expect(share).toHaveLength(Math.ceil(rows / 8192));
    }
  });

  test('uses every core that there is a group for', () => {
    expect(split).toHaveLength(Math.min(cores, outputs / 16));
  });

  test('is balanced to one group, among cores and within a core', () => {
    const shares = split.map(share => share.reduce((sum, { count }) => sum + count, 0));
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(16);
    for (const share of split) {
      const counts = share.map(({ count }) => count);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(16);
    }
  });
});

test.each<[number, number, number[][][]]>([
  [16, 3, [[[0, 16]]]],
  [32, 3, [[[0, 16]], [[16, 16]]]],
  [
    8208,
    1,
    [
      [
        [0, 4096],
        [4096, 4112],
      ],
    ],
  ],
  [
    32000,
    3,
    [
      [
        [0, 5328],
        [5328, 5328],
      ],
      [
        [10656, 5328],
        [15984, 5344],
      ],
      [
        [21328, 5328],
        [26656, 5344],
      ],
    ],
  ],
])('N %i on %i core(s) is split like this', (outputs, cores, wanted) => {
  expect(ranges(outputs, cores)).toEqual(wanted);
});
