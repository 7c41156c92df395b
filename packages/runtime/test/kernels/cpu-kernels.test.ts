import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RopeTable } from '../../src/kernels/index.js';
import { guarded, ulp, worst } from '../support/differences.js';
import { kernelArrays } from '../support/kernel-arrays.js';
import { randomFloats } from '../support/random.js';
import * as plain from './plain/index.js';

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
