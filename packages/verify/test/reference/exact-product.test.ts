import { describe, expect, test } from '@jest/globals';
import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { exactMatrixProduct, exactProduct, exactProductPlain } from '../../src/reference/exact-product.js';
import { MAX_COLUMNS } from '../../src/reference/kernel-memory.js';
import { Pace } from '../../src/reference/pace.js';
import { roundToHalf } from '../../src/reference/round-half.js';
import { Threads } from '../../src/reference/threads.js';
import { packed } from '../support/matrices.js';
import { pseudoRandom } from '../support/pseudo-random.js';

/** Of all sizes that halves have, subnormal ones too, some of either sign. */
function wideRange(count: number, seed: number): Float32Array {
  return pseudoRandom(count, seed).map((value, i) => value * 2 ** ((i % 40) - 26));
}

/** Every finite half is a multiple of 2^-24, so every product one of 2^-48. */
function exactly(value: number): bigint {
  return BigInt(halfToFloat(floatToHalf(value)) * 2 ** 24);
}

describe('exactProduct', () => {
  test.each([
    [1, 1, 1],
    [8, 16, 3],
    [13, 70, 2],
    [7, 513, 5],
  ])(
    '%i rows of %i columns, batch of %i: within double rounding of the exact sums',
    (rows, columns, batch) => {
      const weights = wideRange(rows * columns, 3);
      const input = wideRange(batch * columns, 4);
      const { sums, magnitudes } = exactProduct(weights, input, batch);
      for (let b = 0; b < batch; b++) {
        for (let row = 0; row < rows; row++) {
          let sum = 0n;
          let magnitude = 0n;
          for (let c = 0; c < columns; c++) {
            const product = exactly(weights[row * columns + c]!) * exactly(input[b * columns + c]!);
            sum += product;
            magnitude += product < 0n ? -product : product;
          }
          const tolerance = (Number(magnitude) * columns * 2 ** -53) / 2 ** 48;
          const at = b * rows + row;
          expect(Math.abs(sums[at]! - Number(sum) / 2 ** 48)).toBeLessThanOrEqual(tolerance);
          expect(Math.abs(magnitudes[at]! - Number(magnitude) / 2 ** 48)).toBeLessThanOrEqual(tolerance);
        }
      }
    },
  );

  test('is to the bit what plain TypeScript computes, wherever the weights lie', async () => {
    for (let i = 0; i < 60; i++) {
      const [rows, columns, batch] = [(i % 40) + 1, i + 1, (i % 9) + 1];
      const weights = wideRange(rows * columns, i + 1);
      const input = wideRange(batch * columns, 2 * i + 1);
      const wanted = exactProductPlain(weights, input.map(roundToHalf), batch);
      const matrix = packed(weights, columns);
      expect(exactProduct(weights, input, batch)).toEqual(wanted);
      expect(await exactMatrixProduct(matrix, input, batch, new Threads(1), new Pace())).toEqual(wanted);
    }
  });

  test('is the same on three threads', async () => {
    await using threads = new Threads(3);
    const [rows, columns, batch] = [1003, 300, 3];
    const weights = wideRange(rows * columns, 1);
    const input = wideRange(batch * columns, 2);
    const wanted = exactProductPlain(weights, input.map(roundToHalf), batch);
    const got = await exactMatrixProduct(packed(weights, columns), input, batch, threads, new Pace());
    expect(got.sums.findIndex((sum, i) => sum !== wanted.sums[i])).toBe(-1);
    expect(got.magnitudes.findIndex((sum, i) => sum !== wanted.magnitudes[i])).toBe(-1);
  });

  test.each([
    ['more outputs than one call has room for', 20_000, 2, 9],
    ['more inputs than one call has room for', 3, 10_000, 30],
    ['more columns than the kernels take', 1, MAX_COLUMNS + 1, 1],
  ])('%s', (_, rows, columns, batch) => {
    const weights = pseudoRandom(rows * columns, 5);
    const input = pseudoRandom(batch * columns, 6);
    const wanted = exactProductPlain(weights, input.map(roundToHalf), batch);
    const { sums, magnitudes } = exactProduct(weights, input, batch);
    expect(sums.findIndex((sum, i) => sum !== wanted.sums[i])).toBe(-1);
    expect(magnitudes.findIndex((sum, i) => sum !== wanted.magnitudes[i])).toBe(-1);
  });

  test('weights beyond FP16 count as 65504, as they are converted', () => {
    expect(exactProduct(Float32Array.of(1e9, 65504), Float32Array.of(2), 1).sums).toEqual(
      Float64Array.of(131008, 131008),
    );
  });

  test('rejects weights that are no whole rows', () => {
    expect(() => exactProduct(new Float32Array(5), new Float32Array(4), 2)).toThrow(RangeError);
  });
});
