import { describe, expect, test } from '@jest/globals';
import type { Arithmetic } from '../../src/reference/index.js';
import { MAX_COLUMNS } from '../../src/reference/kernel-memory.js';
import { multiplyPlain } from '../../src/reference/plain-product.js';
import { multiplyRows, type Product } from '../../src/reference/product.js';
import { roundToHalf } from '../../src/reference/round-half.js';
import { allocateWeights } from '../../src/reference/weight-memory.js';
import { pseudoRandom } from '../support/pseudo-random.js';

type Shape = readonly [rows: number, columns: number, batch: number];

/** Every row and column count up to 40 and 70 at least once, each with a batch of its own; and around the tiles. */
const SHAPES: readonly Shape[] = [
  ...Array.from({ length: 70 }, (_, i): Shape => [(i % 40) + 1, i + 1, (i % 9) + 1]),
  ...Array.from({ length: 40 }, (_, i): Shape => [i + 1, 70 - i, ((i * 5) % 9) + 1]),
  ...[1, 2, 3, 4, 5, 8, 9].map((batch): Shape => [24, 32, batch]),
  ...[511, 512, 513, 1025].flatMap((columns): Shape[] => [
    [13, columns, 1],
    [9, columns, 6],
  ]),
];

/** Random; the inputs are halves where they have to be. */
function productOf([rows, columns, batch]: Shape, arithmetic: Arithmetic): Product {
  const inputs = pseudoRandom(batch * columns, columns + batch);
  return {
    weights: pseudoRandom(rows * columns, rows + 7 * columns),
    rows,
    columns,
    input: arithmetic === 'fp16' ? inputs.map(roundToHalf) : inputs,
    batch,
    output: new Float32Array(batch * rows),
    arithmetic,
  };
}

function plainly(product: Product): Float32Array {
  const output = new Float32Array(product.output.length);
  multiplyPlain({ ...product, output }, 0, product.rows);
  return output;
}

/** Indices of what differs in any bit, instead of a listing of thousands of numbers. */
function differing(got: Float32Array, wanted: Float32Array): number[] {
  return Array.from(got.keys()).filter(i => !Object.is(got[i], wanted[i]));
}

describe.each(['fp32', 'fp16'] as const)(
  '%s: the kernels compute what plain TypeScript computes, to the bit',
  arithmetic => {
    test('whatever the shape', () => {
      for (const shape of SHAPES) {
        const product = productOf(shape, arithmetic);
        multiplyRows(product, 0, product.rows);
        expect({ shape, differing: differing(product.output, plainly(product)) }).toEqual({
          shape,
          differing: [],
        });
      }
    });

    test('from weights in a memory of theirs as from any array', () => {
      for (const shape of SHAPES) {
        const product = productOf(shape, arithmetic);
        // Behind another array, at the place that it happens to get.
        const [, weights] = allocateWeights([5, product.weights.length]);
        weights!.set(product.weights);
        multiplyRows({ ...product, weights: weights! }, 0, product.rows);
        expect({ shape, differing: differing(product.output, plainly(product)) }).toEqual({
          shape,
          differing: [],
        });
      }
    });

    test('some rows at a time', () => {
      const product = productOf([45, 33, 6], arithmetic);
      for (const [row, count] of [
        [20, 25],
        [0, 1],
        [1, 19],
      ] as const) {
        multiplyRows(product, row, count);
      }
      expect(differing(product.output, plainly(product))).toEqual([]);
    });

    test.each([
      ['more outputs than one call has room for', [70_000, 1, 9]],
      ['more inputs than one call has room for', [3, 10_000, 30]],
      ['more weights than are copied at a time', [300, 1000, 2]],
      ['more columns than the kernels take', [2, MAX_COLUMNS + 1, 1]],
    ] as const)('%s', (_, shape) => {
      const product = productOf(shape, arithmetic);
      multiplyRows(product, 0, product.rows);
      expect(differing(product.output, plainly(product))).toEqual([]);
    });
  },
);

test('leaves rows alone that were not asked for', () => {
  const product = productOf([20, 5, 2], 'fp32');
  product.output.fill(7);
  multiplyRows(product, 8, 4);
  const untouched = [...product.output.keys()].filter(i => i % 20 < 8 || i % 20 >= 12);
  expect(untouched.map(i => product.output[i])).toEqual(untouched.map(() => 7));
});

test('every product is rounded before it is added: no fused multiply-add', () => {
  for (const batch of [1, 4, 5]) {
    const weights = new Float32Array(16 * 8).map((_, i) => [1 + 2 ** -12, -1, 0, 0, 0, 0, 0, 0][i % 8]!);
    const input = new Float32Array(batch * 8).map((_, i) => [1 + 2 ** -12, 1, 0, 0, 0, 0, 0, 0][i % 8]!);
    const output = new Float32Array(batch * 16);
    multiplyRows({ weights, rows: 16, columns: 8, input, batch, output, arithmetic: 'fp32' }, 0, 16);
    expect(new Set(output)).toEqual(new Set([2 ** -11]));
  }
});

test.each([
  ['weights', { weights: new Float32Array(5) }],
  ['inputs', { input: new Float32Array(5) }],
  ['outputs', { output: new Float32Array(5) }],
])('rejects %s of another shape', (what, wrong) => {
  expect(() => multiplyRows({ ...productOf([2, 3, 4], 'fp32'), ...wrong }, 0, 2)).toThrow(what);
});
