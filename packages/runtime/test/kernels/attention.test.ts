import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { guarded, worst } from '../support/differences.js';
import { kernelArrays } from '../support/kernel-arrays.js';
import { randomFloats } from '../support/random.js';
import * as plain from './plain/index.js';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });

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
