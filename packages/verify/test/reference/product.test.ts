import { afterAll, describe, expect, test } from '@jest/globals';
import type { Arithmetic } from '../../src/reference/index.js';
import { MAX_COLUMNS } from '../../src/reference/kernel-memory.js';
import { Pace } from '../../src/reference/pace.js';
import { multiplyPlain, type PlainProduct } from '../../src/reference/plain-product.js';
import { multiply } from '../../src/reference/product.js';
import { roundToHalf } from '../../src/reference/round-half.js';
import { Threads } from '../../src/reference/threads.js';
import { allocateMatrices } from '../../src/reference/weight-memory.js';
import { packed } from '../support/matrices.js';
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
function productOf([rows, columns, batch]: Shape, arithmetic: Arithmetic): PlainProduct {
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

const one = new Threads(1);
const three = new Threads(3);
afterAll(() => three.close());

/** By the kernels. */
async function outputOf(
  product: PlainProduct,
  { threads = one, weights = packed(product.weights, product.columns) } = {},
): Promise<Float32Array> {
  const { input, batch, output, arithmetic } = product;
  await multiply({ weights, input, batch, output, arithmetic }, threads, new Pace());
  return output;
}

function plainly(product: PlainProduct): Float32Array {
  const output = new Float32Array(product.output.length);
  multiplyPlain({ ...product, output });
  return output;
}

/** Indices of what differs in any bit, instead of a listing of thousands of numbers. */
function differing(got: Float32Array, wanted: Float32Array): number[] {
  return Array.from(got.keys()).filter(i => !Object.is(got[i], wanted[i]));
}

describe.each(['fp32', 'fp16'] as const)(
  '%s: the kernels compute what plain TypeScript computes, to the bit',
  arithmetic => {
    test('whatever the shape', async () => {
      for (const shape of SHAPES) {
        const product = productOf(shape, arithmetic);
        const got = await outputOf(product);
        expect({ shape, differing: differing(got, plainly(product)) }).toEqual({ shape, differing: [] });
      }
    });

    test('from weights that are spread over several memories', async () => {
      const product = productOf([45, 33, 6], arithmetic);
      const [, matrix] = allocateMatrices([{ rows: 5, columns: 3 }, product], 2 * 33 * 8 + 100);
      expect(matrix!.bands.length).toBeGreaterThan(2);
      matrix!.setRows(0, product.weights);
      expect(differing(await outputOf(product, { weights: matrix! }), plainly(product))).toEqual([]);
    });

    test.each([
      ['more outputs than one call has room for', [70_000, 1, 9]],
      ['more inputs than one call has room for', [3, 10_000, 30]],
      ['more columns than 8 rows of fit where rows are packed', [10, MAX_COLUMNS / 8 + 1, 2]],
      ['more columns than the kernels take', [2, MAX_COLUMNS + 1, 1]],
    ] as const)('%s', async (_, shape) => {
      const product = productOf(shape, arithmetic);
      expect(differing(await outputOf(product), plainly(product))).toEqual([]);
    });

    test.each([
      ['one input', [1000, 600, 1]],
      ['a batch', [1003, 70, 9]],
      ['several parts', [60_000, 5, 20]],
    ] as const)('on three threads: %s', async (_, shape) => {
      const product = productOf(shape, arithmetic);
      const wanted = plainly(product);
      for (let time = 0; time < 5; time++) {
        product.output.fill(0);
        expect(differing(await outputOf(product, { threads: three }), wanted)).toEqual([]);
      }
    });
  },
);

test('products that are asked for at the same time do not disturb each other', async () => {
  const products = [4, 5, 6].map(batch => productOf([800, 90, batch], 'fp32'));
  const weights = packed(products[0]!.weights, 90);
  const got = await Promise.all(products.map(product => outputOf(product, { threads: three, weights })));
  got.forEach((output, i) => {
    expect(differing(output, plainly(products[i]!))).toEqual([]);
  });
});

test('every product is rounded before it is added: no fused multiply-add', async () => {
  for (const batch of [1, 4, 5]) {
    const weights = new Float32Array(16 * 8).map((_, i) => [1 + 2 ** -12, -1, 0, 0, 0, 0, 0, 0][i % 8]!);
    const input = new Float32Array(batch * 8).map((_, i) => [1 + 2 ** -12, 1, 0, 0, 0, 0, 0, 0][i % 8]!);
    const output = new Float32Array(batch * 16);
    const product = { weights, rows: 16, columns: 8, input, batch, output, arithmetic: 'fp32' as const };
    expect(new Set(await outputOf(product))).toEqual(new Set([2 ** -11]));
  }
});

test.each([
  ['inputs', { input: new Float32Array(5) }],
  ['outputs', { output: new Float32Array(5) }],
])('rejects %s of another shape', async (what, wrong) => {
  await expect(outputOf({ ...productOf([2, 3, 4], 'fp32'), ...wrong })).rejects.toThrow(what);
});
