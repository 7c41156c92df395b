import { describe, expect, test } from '@jest/globals';
import { halfToFloat } from '@npu-llama/format';
import { packFeatures, unpackResult } from '@npu-llama/format/tiles';
import fc from 'fast-check';
import { ulp } from '../support/differences.js';
import { kernelArrays } from '../support/kernel-arrays.js';
import { randomFloats } from '../support/random.js';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });

const halfBits = fc.integer({ min: 0, max: 0xffff });

describe('roundFeatures', () => {
  const shared = kernelArrays({ x: new Float32Array(32) });
  const features = new Uint16Array(32);

  test('gives the very bits and layout that packFeatures gives, padding and all', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.float({ noNaN: true, min: -65519, max: 65519 }), { minLength: 1, maxLength: 50 }),
        (rows, columns, more, some) => {
          const jobRows = rows + more;
          const length = jobRows * Math.ceil(columns / 32) * 32;
          const x = Float32Array.from({ length: rows * columns }, (_, i) => some[i % some.length]!);
          const { kernels, arrays } = kernelArrays({ x });
          const [got, wanted] = [new Uint16Array(length + 3).fill(5), new Uint16Array(length + 3).fill(5)];
          expect(kernels.roundFeatures(arrays.x, rows, columns, got, jobRows)).toBe(-1);
          expect(packFeatures(x, rows, columns, wanted, jobRows)).toBe(-1);
          expect(got).toEqual(wanted);
        },
      ),
    );
  });

  test('rounds to the nearest half, ties to even: every half, between every two, and just beside', () => {
    const wanted = new Uint16Array(4 * 0x7c00);
    const x = new Float32Array(wanted.length);
    for (let half = 0; half < 0x7bff; half++) {
      const [value, next] = [halfToFloat(half), halfToFloat(half + 1)];
      const middle = (value + next) / 2;
      const below = Math.fround(middle - ulp(middle));
      x.set([value, below, middle, Math.fround(middle + ulp(middle))], 4 * half);
      wanted.set([half, half, half + (half & 1), half + 1], 4 * half);
    }
    const rows = wanted.length / 32;
    for (let row = 0; row < rows; row++) {
      const { kernels, arrays } = shared;
      arrays.x.set(x.subarray(32 * row, 32 * row + 32));
      kernels.roundFeatures(arrays.x, 1, 32, features, 1);
      expect(features).toEqual(wanted.subarray(32 * row, 32 * row + 32));
      arrays.x.set(x.subarray(32 * row, 32 * row + 32).map(value => -value));
      kernels.roundFeatures(arrays.x, 1, 32, features, 1);
      expect(features).toEqual(wanted.subarray(32 * row, 32 * row + 32).map(half => half | 0x8000));
    }
  });
  test.each([65520, -65520, 1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
    'tells where the first %p stands, and copies nothing',
    bad => {
      for (const at of [0, 5, 17, 35, 36, 70, 107]) {
        const x = randomFloats(3 * 36, 1);
        x.fill(bad, at);
        const { kernels, arrays } = kernelArrays({ x });
        const into = new Uint16Array(4 * 64).fill(7);
        expect(kernels.roundFeatures(arrays.x, 3, 36, into, 4)).toBe(at);
        expect(into.every(half => half === 7)).toBe(true);
      }
    },
  );

  test('takes 65519, the largest that rounds to a finite half', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(32).fill(65519) });
    expect(kernels.roundFeatures(arrays.x, 1, 32, features, 1)).toBe(-1);
    expect(features.every(half => half === 0x7bff)).toBe(true);
  });

  test('of more rows than the job has is refused', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(64) });
    expect(() => kernels.roundFeatures(arrays.x, 2, 32, features, 1)).toThrow(RangeError);
  });
});

test('unpackResult copies what the plain one copies, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.record({
        jobRows: fc.constantFrom(1, 4, 7, 16),
        fewer: fc.integer({ min: 0, max: 15 }),
        count: fc.integer({ min: 1, max: 41 }),
        before: fc.integer({ min: 0, max: 6 }),
        behind: fc.integer({ min: 0, max: 6 }),
        seed: seeds,
      }),
      ({ jobRows, fewer, count, before, behind, seed }) => {
        const rows = Math.max(1, jobRows - fewer);
        const columns = before + count + behind;
        const length = jobRows === 1 ? count : jobRows * Math.ceil(count / 4) * 4;
        const result = randomFloats(length, seed);
        const values = { into: new Float32Array(rows * columns).fill(3) };
        const { kernels, arrays } = kernelArrays(values);
        kernels.unpackResult(result, jobRows, rows, count, arrays.into, before, columns);
        unpackResult(padded(result, jobRows), jobRows, 0, count, rows, values.into, columns, before);
        expect(arrays.into).toEqual(values.into);
      },
    ),
  );
});

/** With one row the plain one asks for whole blocks. */
function padded(result: Float32Array, jobRows: number): Float32Array {
  const blocks = new Float32Array(Math.ceil(result.length / 4 / jobRows) * 4 * jobRows);
  blocks.set(result);
  return blocks;
}

test('embeddingRow gathers runs and widens every half exactly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 0, max: 9 }),
      fc.array(halfBits, { minLength: 1, maxLength: 99 }),
      (count, first, some) => {
        const runs = { run: 32, stride: 50 };
        const halves = Uint16Array.from({ length: first + 3 * 50 }, (_, i) => some[i % some.length]!);
        const { kernels, arrays } = kernelArrays({ into: new Float32Array(count + 4).fill(9) });
        kernels.embeddingRow(halves, first, runs, arrays.into, 2, count);
        const wanted = Array.from({ length: count }, (_, i) =>
          halfToFloat(halves[first + Math.floor(i / 32) * 50 + (i % 32)]!),
        );
        expect(Array.from(arrays.into)).toEqual([9, 9, ...wanted, 9, 9]);
      },
    ),
  );
});

test('embeddingRow widens all 65536 halves', () => {
  const halves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
  const { kernels, arrays } = kernelArrays({ into: new Float32Array(4096) });
  for (let first = 0; first < 0x10000; first += 4096) {
    kernels.embeddingRow(halves, first, { run: 4096, stride: 4096 }, arrays.into, 0, 4096);
    expect(Array.from(arrays.into)).toEqual(Array.from(halves.subarray(first, first + 4096), halfToFloat));
  }
});

test('a result or a row that is not whole is refused', () => {
  const { kernels, arrays } = kernelArrays({ into: new Float32Array(64) });
  const { into } = arrays;
  expect(() => kernels.unpackResult(new Float32Array(7), 1, 1, 8, into, 0, 8)).toThrow(RangeError);
  expect(() => kernels.unpackResult(new Float32Array(16), 4, 4, 5, into, 0, 8)).toThrow(RangeError);
  expect(() => kernels.unpackResult(new Float32Array(16), 4, 5, 4, into, 0, 8)).toThrow(RangeError);
  const runs = { run: 32, stride: 512 };
  expect(() => kernels.embeddingRow(new Uint16Array(543), 0, runs, into, 0, 33)).toThrow(RangeError);
  kernels.embeddingRow(new Uint16Array(544), 0, runs, into, 0, 33);
});
