import { describe, expect, test } from '@jest/globals';
import { matVec } from '../../src/reference/mat-vec.js';
import { pseudoRandom } from '../support/pseudo-random.js';

/** One row after the other through an array of one float32: rounding by storing. */
function rowByRow(weights: Float32Array, x: Float32Array, rows: number): Float32Array {
  const register = new Float32Array(2);
  return Float32Array.from({ length: rows }, (_, row) => {
    register[0] = 0;
    for (let i = 0; i < x.length; i++) {
      register[1] = weights[row * x.length + i]! * x[i]!;
      register[0] = register[0]! + register[1]!;
    }
    return register[0]!;
  });
}

describe('matVec', () => {
  test.each([
    [1, 1],
    [7, 5],
    [8, 1],
    [8, 64],
    [9, 31],
    [15, 33],
    [16, 100],
    [257, 48],
  ])('sums %i rows of %i columns in float32, in order, to the bit', (rows, columns) => {
    const weights = pseudoRandom(rows * columns, rows);
    const x = pseudoRandom(columns, columns);
    const out = new Float32Array(rows);
    matVec(out, x, weights);
    expect(out).toEqual(rowByRow(weights, x, rows));
  });

  test('rounds every product: 1 + 2^-12 squared loses its last bit', () => {
    const x = Float32Array.of(1 + 2 ** -12, 1);
    const out = new Float32Array(1);
    matVec(out, x, Float32Array.of(1 + 2 ** -12, -1));
    expect(out[0]).toBe(2 ** -11);
  });

  test('rejects weights of another shape', () => {
    expect(() => matVec(new Float32Array(2), new Float32Array(3), new Float32Array(5))).toThrow(RangeError);
  });
});
