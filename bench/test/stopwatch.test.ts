import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Stopwatch } from '../src/device/stopwatch.js';
import { methodNames, TimedMethods } from '../src/device/timed-methods.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** A clock that says what it is told. */
function clock() {
  const state = { now: 0 };
  jest.spyOn(performance, 'now').mockImplementation(() => state.now);
  return state;
}

describe('a stopwatch', () => {
  test('counts a stage within another for the inner one alone', () => {
    const time = clock();
    const stopwatch = new Stopwatch();
    stopwatch.time('run', () => {
      time.now += 1;
      stopwatch.time('submit', () => {
        time.now += 10;
      });
      time.now += 2;
    });
    expect(Object.fromEntries(stopwatch.totals)).toEqual({ run: 3, submit: 10 });
  });

  test('counts a stage that throws, and is right afterwards', () => {
    const time = clock();
    const stopwatch = new Stopwatch();
    const failing = () =>
      stopwatch.time('submit', () => {
        time.now += 5;
        throw new Error('timed out');
      });
    expect(failing).toThrow('timed out');
    stopwatch.time('run', () => {
      time.now += 1;
    });
    expect(Object.fromEntries(stopwatch.totals)).toEqual({ submit: 5, run: 1 });
  });
});

describe('timed methods', () => {
  class Kernels {
    #factor = 2;
    scale(value: number): number {
      return value * this.#factor;
    }
  }

  test('compute what they did, and are put back', () => {
    const original = Kernels.prototype.scale;
    const stopwatch = new Stopwatch();
    {
      using _timed = new TimedMethods(stopwatch).add(Kernels.prototype, { scale: 'scaling' });
      expect(new Kernels().scale(21)).toBe(42);
      expect([...stopwatch.totals.keys()]).toEqual(['scaling']);
    }
    expect(Kernels.prototype.scale).toBe(original);
    expect(methodNames(Kernels.prototype)).toEqual(['scale']);
  });

  test('refuse a name that is no method: a renamed step would vanish from the budget', () => {
    expect(() => new TimedMethods(new Stopwatch()).add(Kernels.prototype, { turn: 'turning' })).toThrow(
      'turn is no method',
    );
  });
});
