import { describe, expect, test } from '@jest/globals';
import { halfToFloat } from '@npu-llama/format';
import { packFeatures, unpackResult } from '@npu-llama/format/tiles';
import fc from 'fast-check';
import { ModelLimitError } from '../../src/errors.js';
import { KernelMemory, RopeTable } from '../../src/kernels/index.js';
import { thrownBy } from '../support/errors.js';
import { kernelArrays } from '../support/kernel-arrays.js';
import { randomFloats } from '../support/random.js';
import * as plain from './plain/index.js';

/** Beside what was asked for, to see that nothing else is written. */
const GUARD = 5;
const guarded = (values: ArrayLike<number>): Float32Array =>
  Float32Array.from([...Array.from(values), ...Array.from({ length: GUARD }, (_, i) => 77 + i)]);

const ulp = (value: number): number =>
  2 ** Math.max(Math.floor(Math.log2(Math.abs(value) || 2 ** -149)) - 23, -149);

/** The largest difference of two arrays, in units of `of`. */
function worst(got: Float32Array, wanted: Float32Array, of: (value: number) => number): number {
  expect(got.length).toBe(wanted.length);
  return wanted.reduce((most, value, i) => {
    if (Object.is(got[i], value)) return most;
    const off = Math.abs(got[i]! - value) / of(value);
    return Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
  }, 0);
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const counts = fc.integer({ min: 1, max: 40 });

test('addInPlace gives the very sums', () => {
  fc.assert(
    fc.property(counts, seeds, (count, seed) => {
      const values = { x: guarded(randomFloats(count, seed)), y: randomFloats(count, seed + 1) };
      const { kernels, arrays } = kernelArrays(values);
      kernels.addInPlace(arrays.x, arrays.y, count);
      plain.addInPlace(values.x, values.y, count);
      expect(arrays.x).toEqual(values.x);
    }),
  );
});

describe('rmsNorm', () => {
  // The scale rounded to f32, then two products: 1.5 units, and half a one of what it is compared with.
  const UNITS = 2;

  test('gives what the plain one gives, row by row, from an offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        counts,
        fc.integer({ min: 0, max: 9 }),
        seeds,
        (rows, size, at, seed) => {
          const values = {
            out: guarded(new Float32Array(rows * size)),
            x: randomFloats(at + rows * size, seed),
            weight: randomFloats(at + size, seed + 1),
          };
          const { kernels, arrays } = kernelArrays(values);
          kernels.rmsNorm(arrays.out, arrays.x, at, arrays.weight, at, rows, size);
          plain.rmsNorm(values.out, values.x.subarray(at), values.weight, at, rows, size);
          expect(worst(arrays.out, values.out, ulp)).toBeLessThanOrEqual(UNITS);
        },
      ),
    );
  });

  test.each([1e-30, 1e25, 3e38])('of values around %p neither overflows nor vanishes', size => {
    const x = randomFloats(37, 1).map(value => value * size);
    const values = { out: new Float32Array(37), x, weight: new Float32Array(37).fill(1) };
    const { kernels, arrays } = kernelArrays(values);
    kernels.rmsNorm(arrays.out, arrays.x, 0, arrays.weight, 0, 1, 37);
    plain.rmsNorm(values.out, values.x, values.weight, 0, 1, 37);
    expect(worst(arrays.out, values.out, ulp)).toBeLessThanOrEqual(UNITS);
    expect(values.out.every(Number.isFinite)).toBe(true);
  });

  test('of a row with NaN is NaN, and leaves the other rows alone', () => {
    const x = Float32Array.of(1, 2, Number.NaN, 4, 5, 6);
    const { kernels, arrays } = kernelArrays({
      out: new Float32Array(6),
      x,
      weight: Float32Array.of(1, 1, 1),
    });
    kernels.rmsNorm(arrays.out, arrays.x, 0, arrays.weight, 0, 2, 3);
    expect(Array.from(arrays.out, Number.isNaN)).toEqual([true, true, true, false, false, false]);
  });
});

test('applyRope turns every head of every row by its own position, any even head size', () => {
  fc.assert(
    fc.property(
      fc.record({
        rows: fc.integer({ min: 1, max: 4 }),
        heads: fc.integer({ min: 1, max: 4 }),
        headSize: fc.integer({ min: 1, max: 12 }).map(pairs => 2 * pairs),
        firstPosition: fc.integer({ min: 0, max: 20 }),
        at: fc.integer({ min: 0, max: 7 }),
        seed: seeds,
      }),
      ({ rows, heads, headSize, firstPosition, at, seed }) => {
        const size = heads * headSize;
        const table = new RopeTable(headSize, firstPosition + rows);
        const values = { vectors: guarded(randomFloats(at + rows * size, seed)), turns: table.values };
        const { kernels, arrays } = kernelArrays(values);
        kernels.applyRope(arrays.vectors, at, rows, size, headSize, arrays.turns, firstPosition);
        for (let row = 0; row < rows; row++) {
          plain.applyRope(values.vectors, at + row * size, size, table.at(firstPosition + row));
        }
        // Two products of numbers below 1 and a sum, each rounded: up to 1.5 * 2^-24 and the half of 2^-23 that a sum above 1 may be off.
        expect(worst(arrays.vectors, values.vectors, () => 2 ** -24)).toBeLessThanOrEqual(4);
      },
    ),
  );
});

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

describe('attention', () => {
  test('gives what the plain one gives of any shape, one row or several, and writes nothing else', () => {
    fc.assert(
      fc.property(
        fc.record({
          kvHeadCount: fc.integer({ min: 1, max: 4 }),
          group: fc.integer({ min: 1, max: 3 }),
          headSize: fc.integer({ min: 1, max: 18 }).map(pairs => 2 * pairs),
          rows: fc.constantFrom(1, 1, 2, 5),
          firstPosition: fc.integer({ min: 0, max: 33 }),
          layer: fc.integer({ min: 0, max: 1 }),
          seed: seeds,
        }),
        ({ kvHeadCount, group, headSize, rows, firstPosition, layer, seed }) => {
          const headCount = kvHeadCount * group;
          const [dim, kvDim] = [headCount * headSize, kvHeadCount * headSize];
          const positions = firstPosition + rows;
          const cacheAt = layer * positions * kvDim;
          const values = {
            out: guarded(new Float32Array(rows * dim).fill(9)),
            query: randomFloats(rows * dim, seed).map(value => value * 3),
            keys: randomFloats(cacheAt + positions * kvDim, seed + 1).map(value => value * 3),
            values: randomFloats(cacheAt + positions * kvDim, seed + 2),
          };
          const { kernels, arrays } = kernelArrays(values);
          const shape = { headCount, kvHeadCount, headSize };
          kernels.attention(
            arrays.out,
            arrays.query,
            arrays.keys,
            arrays.values,
            cacheAt,
            firstPosition,
            rows,
            shape,
          );
          const scores = new Float32Array(positions);
          for (let row = 0; row < rows; row++) {
            const at = row * dim;
            const cache = [values.keys, values.values, cacheAt] as const;
            plain.attention(values.out, at, values.query, at, ...cache, firstPosition + row, scores, shape);
          }
          expect(worst(arrays.out, values.out, () => 1)).toBeLessThan(2e-5);
          for (const name of ['query', 'keys', 'values'] as const) expect(arrays[name]).toEqual(values[name]);
        },
      ),
    );
  });

  test('of many positions stays as close: its sums are of f32', () => {
    const shape = { headCount: 2, kvHeadCount: 1, headSize: 8 };
    const position = 1999;
    const values = {
      out: new Float32Array(16),
      query: randomFloats(16, 1),
      keys: randomFloats(8 * 2000, 2),
      values: randomFloats(8 * 2000, 3).map(value => value + 1),
    };
    const { kernels, arrays } = kernelArrays(values);
    kernels.attention(arrays.out, arrays.query, arrays.keys, arrays.values, 0, position, 1, shape);
    const scores = new Float32Array(2000);
    plain.attention(values.out, 0, values.query, 0, values.keys, values.values, 0, position, scores, shape);
    expect(worst(arrays.out, values.out, Math.abs)).toBeLessThan(2e-5);
  });

  test('of more positions than there is room for scores is refused', () => {
    const shape = { headCount: 1, kvHeadCount: 1, headSize: 2 };
    const [one, all] = [new Float32Array(2), new Float32Array(2 * 5000)];
    const { kernels, arrays } = kernelArrays({ out: one, query: one, keys: all, values: all });
    const { out, query, keys, values } = arrays;
    expect(() => kernels.attention(out, query, keys, values, 0, 4999, 1, shape)).toThrow(RangeError);
  });
});

describe('swiglu', () => {
  // exp and 1 + exp off by 2 units, a quotient and a product rounded; beyond exp's range absolutely.
  const unit = (value: number): number => Math.max(Math.abs(value) * 2 ** -23, 2 ** -120);

  test('gives what the plain one gives', () => {
    fc.assert(
      fc.property(counts, seeds, fc.constantFrom(1, 20, 150), (count, seed, scale) => {
        const gate = guarded(randomFloats(count, seed).map(value => value * scale));
        const values = { gate, up: randomFloats(count, seed + 1) };
        const { kernels, arrays } = kernelArrays(values);
        kernels.swiglu(arrays.gate, arrays.up, count);
        plain.swiglu(values.gate, values.up, count);
        expect(worst(arrays.gate, values.gate, unit)).toBeLessThan(5);
      }),
    );
  });

  test.each([0, -0, 1e30, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
    'of a gate of %p is as the plain one',
    z => {
      const values = { gate: new Float32Array(5).fill(z), up: Float32Array.of(1, -1, 2, 3, -4) };
      const { kernels, arrays } = kernelArrays(values);
      kernels.swiglu(arrays.gate, arrays.up, 5);
      plain.swiglu(values.gate, values.up, 5);
      expect(arrays.gate).toEqual(values.gate);
    },
  );
});

const halfBits = fc.integer({ min: 0, max: 0xffff });

describe('roundFeatures', () => {
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
  const shared = kernelArrays({ x: new Float32Array(32) });
  const features = new Uint16Array(32);

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

describe('arrays', () => {
  test('of another memory are refused', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(4) });
    expect(() => kernels.addInPlace(arrays.x, new Float32Array(4), 4)).toThrow(RangeError);
    expect(() => kernels.addInPlace(kernelArrays({ x: arrays.x }).arrays.x, arrays.x, 4)).toThrow(RangeError);
  });

  test('are not read or written beyond their ends', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(4), y: new Float32Array(8) });
    expect(() => kernels.addInPlace(arrays.x, arrays.y, 5)).toThrow(RangeError);
    expect(() => kernels.rmsNorm(arrays.x, arrays.y, 5, arrays.y, 0, 1, 4)).toThrow(RangeError);
    expect(() => kernels.rmsNorm(arrays.x, arrays.y, -1, arrays.y, 0, 1, 4)).toThrow(RangeError);
  });

  test('stand at cache lines, hold zeros, and do not overlap', () => {
    const { arrays } = new KernelMemory({ a: 3, b: 17, c: 1 }, 'a test');
    const { a, b, c } = arrays;
    expect([a, b, c].map(({ byteOffset }) => byteOffset)).toEqual([64, 128, 256]);
    expect([...a, ...b, ...c].every(value => value === 0)).toBe(true);
  });

  test('beyond what WebAssembly addresses are a limit that says so', () => {
    const error = thrownBy(() => new KernelMemory({ keys: 2 ** 29, values: 2 ** 29 }, 'a session'));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error.message).toMatch(
      /^a session does not fit a WebAssembly memory: got 4\.00 GiB .*wanted at most 4 GiB/,
    );
  });
});
