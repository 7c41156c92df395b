import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KernelMemory } from '../../src/kernels/index.js';
import { guarded, ulp, worst } from '../support/differences.js';
import { randomFloats } from '../support/random.js';
import * as plain from './plain/index.js';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const counts = fc.integer({ min: 1, max: 40 });

describe('the exp of softmax and swiglu', () => {
  function exponentials(x: Float32Array): Float32Array {
    const memory = new KernelMemory({ x: x.length }, 'a test');
    memory.arrays.x.set(x);
    memory.wasm.exponentials(memory.arrays.x.byteOffset, x.length);
    return memory.arrays.x;
  }

  test('is within 2 units of the last place over its whole range, subnormal results included', () => {
    // 2^20 steps from where it is 0 to where it is infinite, and what is close to 0.
    const steps = 2 ** 20;
    const x = Float32Array.from({ length: steps }, (_, i) => -106 + (196 * i) / steps);
    const small = Float32Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 1.5 ** -(i / 2));
    for (const values of [x, small]) {
      const got = exponentials(values);
      const { exp, fround } = Math;
      let most = 0;
      let wrong = 0;
      for (let i = 0; i < values.length; i++) {
        const wanted = exp(values[i]!);
        const rounded = fround(wanted);
        if (got[i] === rounded) continue;
        if (Number.isFinite(rounded)) most = Math.max(most, Math.abs(got[i]! - wanted) / ulp(wanted));
        else wrong++;
      }
      expect({ wrong, isClose: most <= 2 }).toEqual({ wrong: 0, isClose: true });
    }
  });

  test.each([
    [0, 1],
    [-0, 1],
    [Number.NEGATIVE_INFINITY, 0],
    [-3e38, 0],
    [-104, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [3e38, Number.POSITIVE_INFINITY],
    [88.73, Number.POSITIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [1e-40, 1],
  ])('of %p is %p', (x, wanted) => {
    expect(Array.from(exponentials(new Float32Array(4).fill(x)))).toEqual([wanted, wanted, wanted, wanted]);
  });
});

describe('softmax', () => {
  function softmax(x: Float32Array, count: number): Float32Array {
    const memory = new KernelMemory({ x: x.length }, 'a test');
    memory.arrays.x.set(x);
    memory.wasm.softmax(memory.arrays.x.byteOffset, count);
    return memory.arrays.x;
  }

  test('gives what the plain one gives, wherever the largest stands', () => {
    fc.assert(
      fc.property(counts, seeds, fc.constantFrom(1, 10, 200), (count, seed, scale) => {
        const x = guarded(randomFloats(count, seed).map(value => value * scale));
        const got = softmax(x, count);
        plain.softmax(x, count);
        // exp is off by 2 units at most, so is the sum; the rest is rounding, also of what exp is taken of.
        const unit = (value: number): number => value * (1 - Math.log(value)) * 2 ** -23;
        expect(worst(got, x, value => (value < 2 ** -120 ? 2 ** -140 : unit(value)))).toBeLessThan(6);
      }),
    );
  });

  test.each([
    ['NaN', [1, Number.NaN, 3, 4, 5]],
    ['NaN first', [Number.NaN, 1, 2, 3, 4]],
    ['infinity', [1, 2, Number.POSITIVE_INFINITY, 3, 4]],
    ['minus infinity alone', [1, 2, 3].map(() => Number.NEGATIVE_INFINITY)],
    ['minus infinity', [1, Number.NEGATIVE_INFINITY, 1]],
    ['minus 0', [-0, -0, -0, -0]],
  ])('of scores with %s is as the plain one', (_, values) => {
    const x = Float32Array.from(values);
    const got = softmax(x, x.length);
    plain.softmax(x, x.length);
    expect(Array.from(got, Number.isNaN)).toEqual(Array.from(x, Number.isNaN));
    if (!Number.isNaN(x[0])) expect(got).toEqual(x);
  });
});
