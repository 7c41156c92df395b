import { describe, expect, test } from '@jest/globals';
import { RopeTable } from '../../src/kernels/index.js';
import { randomFloats } from '../support/random.js';
import { addInPlace, applyRope, attention, rmsNorm, softmax, swiglu } from './plain/index.js';

/** The kernels compute in doubles or floats and store floats: a few units in the last place of values around 1. */
const FLOAT_TOLERANCE = 2e-6;

function expectClose(got: ArrayLike<number>, wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length);
  const worst = wanted.reduce(
    (max, value, i) => Math.max(max, Math.abs(got[i]! - value) / (1 + Math.abs(value))),
    0,
  );
  expect(worst).toBeLessThan(FLOAT_TOLERANCE);
}

test('rmsNorm: weight * x / sqrt(mean(x^2) + 1e-5), each row for itself, weights from an offset', () => {
  const [rows, size, weightAt] = [3, 7, 14];
  const x = randomFloats(rows * size, 1);
  const weight = randomFloats(weightAt + size, 2);
  const out = new Float32Array(rows * size + 1).fill(9);
  rmsNorm(out, x, weight, weightAt, rows, size);
  const wanted = Array.from({ length: rows * size }, (_, i) => {
    const row = x.subarray(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size);
    const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / size;
    return (weight[weightAt + (i % size)]! * x[i]!) / Math.sqrt(meanSquare + 1e-5);
  });
  expectClose(out, [...wanted, 9]);
});

test('rmsNorm of zeros is zero', () => {
  const out = new Float32Array(4).fill(9);
  rmsNorm(out, new Float32Array(4), Float32Array.of(1, 1, 1, 1), 0, 1, 4);
  expect([...out]).toEqual([0, 0, 0, 0]);
});

describe('RoPE', () => {
  const headSize = 6;

  test.each([0, 1, 5, 300])(
    'turns pair i of every head at position %i by position * 10000^(-2i/headSize)',
    position => {
      const vector = randomFloats(5 * headSize, 3);
      const before = Array.from(vector);
      applyRope(vector, headSize, 3 * headSize, new RopeTable(headSize, 301).at(position));
      const wanted = before.map((value, i) => {
        if (i < headSize || i >= 4 * headSize) return value; // not its range
        const pair = Math.floor((i % headSize) / 2);
        const angle = position * 10000 ** ((-2 * pair) / headSize);
        return i % 2 === 0
          ? value * Math.cos(angle) - before[i + 1]! * Math.sin(angle)
          : value * Math.cos(angle) + before[i - 1]! * Math.sin(angle);
      });
      expectClose(vector, wanted);
    },
  );

  test('the table has the turns of every position, and is computed once', () => {
    const table = new RopeTable(headSize, 10);
    const rows = Array.from({ length: 10 }, (_, position) => Array.from(table.at(position)));
    expect(Array.from(table.values)).toEqual(rows.flat());
    expect(table.values).toBe(table.values);
  });
});

describe('softmax', () => {
  test('is exp(x) / sum(exp(x)) over the first elements only', () => {
    const x = randomFloats(9, 4).map(value => value * 5);
    const powers = Array.from(x.subarray(0, 6), value => Math.exp(value));
    const sum = powers.reduce((a, b) => a + b, 0);
    const rest = Array.from(x.subarray(6));
    softmax(x, 6);
    expectClose(x, [...powers.map(power => power / sum), ...rest]);
  });

  test.each([
    [
      [1000, 1000],
      [0.5, 0.5],
    ],
    [
      [-1000, -1001],
      [1 / (1 + Math.exp(-1)), 1 / (1 + Math.E)],
    ],
    [[3], [1]],
    [
      [0, -1e30],
      [1, 0],
    ],
  ])('of %p neither overflows nor vanishes', (values, wanted) => {
    const x = Float32Array.from(values);
    softmax(x, x.length);
    expectClose(x, wanted);
  });
});

describe.each([
  ['as many KV heads as heads', 4, 4],
  ['two heads a KV head', 4, 2],
  ['one KV head', 6, 1],
])('attention with %s', (_, headCount, kvHeadCount) => {
  const headSize = 6;
  const [kvDim, dim] = [kvHeadCount * headSize, headCount * headSize];
  const [positions, cacheAt, at] = [5, 3 * kvDim, dim];
  const query = randomFloats(at + dim, 5);
  const keys = randomFloats(cacheAt + positions * kvDim, 6);
  const values = randomFloats(cacheAt + positions * kvDim, 7);

  test.each([0, 1, 4])('of position %i weighs the values up to it, and no later one', position => {
    const out = new Float32Array(at + dim).fill(9);
    attention(out, at, query, at, keys, values, cacheAt, position, new Float32Array(positions), {
      headCount,
      kvHeadCount,
      headSize,
    });
    const wanted = Array.from({ length: dim }, (__, i) => {
      const [head, element] = [Math.floor(i / headSize), i % headSize];
      const kvAt = (t: number): number =>
        cacheAt + t * kvDim + Math.floor((head * kvHeadCount) / headCount) * headSize;
      const powers = Array.from({ length: position + 1 }, (___, t) => {
        let dot = 0;
        for (let e = 0; e < headSize; e++) dot += query[at + head * headSize + e]! * keys[kvAt(t) + e]!;
        return Math.exp(dot / Math.sqrt(headSize));
      });
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.reduce((total, power, t) => total + (power / sum) * values[kvAt(t) + element]!, 0);
    });
    expectClose(out, [...Array.from({ length: at }, () => 9), ...wanted]);
  });
});

test('swiglu: gate * sigmoid(gate) * up, over its count, without overflow', () => {
  const gate = Float32Array.of(-0.5, 2, 0, 100, -100, -1000, 7);
  const up = Float32Array.of(3, -1, 5, 2, 2, 2, 7);
  const wanted = Array.from(gate, (z, i) => (i < 6 ? (z * up[i]!) / (1 + Math.exp(-z)) : z));
  swiglu(gate, up, 6);
  expectClose(gate, wanted);
});

test('addInPlace adds over its count', () => {
  const x = Float32Array.of(1, 2, 3);
  addInPlace(x, Float32Array.of(10, 20, 30), 2);
  expect([...x]).toEqual([11, 22, 3]);
});
