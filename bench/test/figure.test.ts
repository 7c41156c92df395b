import { describe, expect, test } from '@jest/globals';
import { atLeast, atMost, figure, withoutGoals } from '../src/figure.js';
import { median, medianRatio } from '../src/median.js';

describe('median', () => {
  test.each([
    [[3], 3],
    [[9, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, wanted) => expect(median(values)).toBe(wanted));

  test('of nothing is refused', () => expect(() => median([])).toThrow(RangeError));
});

describe('the median ratio', () => {
  test('pairs what was measured in one turn: a machine that got three times slower changes nothing', () => {
    expect(medianRatio([10, 30, 10], [5, 15, 5])).toBe(2);
  });

  test('refuses samples of different turns', () =>
    expect(() => medianRatio([1], [1, 2])).toThrow('same turns'));
});

describe('a figure', () => {
  const options = { id: 'load', name: 'load', unit: 'ms', samples: [30, 10, 20] };

  test('is the median of its samples', () =>
    expect(figure(options)).toMatchObject({ value: 20, beside: [] }));

  test.each([
    [atMost(20), true],
    [atMost(19), false],
    [atLeast(20), true],
    [atLeast(21), false],
  ])('of 20 holds its goal against the value: %j', (goal, reached) => {
    expect(figure({ ...options, goal }).goal).toEqual({ ...goal, reached });
  });

  test('holds the goals of what stands beside it against the ratio', () => {
    const beside = [{ name: 'reading', samples: [15, 5, 10], goal: atMost(1.9) }];
    expect(figure({ ...options, beside }).beside).toEqual([
      {
        name: 'reading',
        value: 10,
        samples: [15, 5, 10],
        ratio: 2,
        goal: { ...atMost(1.9), reached: false },
      },
    ]);
  });

  test('leaves out what could not be measured', () => {
    expect(figure({ ...options, beside: [{ name: 'C', samples: undefined }] }).beside).toEqual([]);
  });

  test('loses every goal and nothing else without goals', () => {
    const beside = [{ name: 'reading', samples: [1, 1, 1], goal: atMost(2) }];
    const bare = figure({ ...options, beside: [{ name: 'reading', samples: [1, 1, 1] }] });
    expect(withoutGoals(figure({ ...options, goal: atMost(1), beside }))).toEqual(bare);
  });
});
