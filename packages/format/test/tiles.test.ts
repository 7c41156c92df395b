import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { floatToHalf, halfToFloat } from '../src/index.js';
import {
  featureIndex,
  packFeatures,
  paddedColumnCount,
  paddedRowCount,
  type RoundingReport,
  resultIndex,
  roundWeights,
  tileWeights,
  UnrepresentableWeightError,
  unpackResult,
  weightIndex,
} from '../src/tiles/index.js';
import { messageOf, seededRandom } from './support.js';

/** The formulas of the hardware's documentation, written down once more. */
const formula = {
  weight: (n: number, k: number, K: number) =>
    Math.trunc(n / 16) * 16 * K + Math.trunc(k / 32) * 512 + (n % 16) * 32 + (k % 32),
  feature: (m: number, k: number, M: number) => Math.trunc(k / 8) * M * 8 + m * 8 + (k % 8),
  result: (m: number, n: number, M: number) => Math.trunc(n / 4) * M * 4 + m * 4 + (n % 4),
};

const noReport = (): RoundingReport => ({ largestError: 0, saturated: 0 });
const GARBAGE = 0x5555;

function randomFloats(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => (random() - 0.5) * 4);
}

/** Faster than toEqual, and says where they differ. */
function expectSameHalves(got: Uint16Array, wanted: Uint16Array): void {
  expect(got.length).toBe(wanted.length);
  expect(got.findIndex((half, i) => half !== wanted[i])).toBe(-1);
}

/** What tileWeights must give, element by element. */
function expectTiled(rows: number, columns: number, seed: number): void {
  const weights = randomFloats(rows * columns, seed);
  const K = Math.ceil(columns / 32) * 32;
  const N = Math.ceil(rows / 16) * 16;
  const tiles = new Uint16Array(N * K).fill(GARBAGE);
  tileWeights(weights, rows, columns, tiles, 'error', noReport());
  const wanted = new Uint16Array(N * K);
  for (let n = 0; n < rows; n++) {
    for (let k = 0; k < columns; k++)
      wanted[formula.weight(n, k, K)] = floatToHalf(weights[n * columns + k]!);
  }
  expectSameHalves(tiles, wanted);
}

const extent = (max: number) => fc.integer({ min: 1, max });
const EDGES = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65];

describe('index functions', () => {
  test('are the formulas of the hardware for random places', () => {
    fc.assert(
      fc.property(extent(4000), extent(4000), extent(512), (a, b, length) => {
        const K = length * 32;
        return (
          weightIndex(a, b % K, K) === formula.weight(a, b % K, K) &&
          featureIndex(a % length, b, length) === formula.feature(a % length, b, length) &&
          resultIndex(a % length, b, length) === formula.result(a % length, b, length)
        );
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [1, 16, 32],
    [16, 16, 32],
    [17, 32, 32],
    [32, 32, 32],
    [33, 48, 64],
  ])('%i rows are padded to %i, %i columns likewise to 32s', (count, rows, columns) => {
    expect(paddedRowCount(count)).toBe(rows);
    expect(paddedColumnCount(count)).toBe(columns);
  });
});

describe('tileWeights', () => {
  test.each(EDGES)(
    'lays out %i rows, or columns, of every other count on an edge, padding with zeros',
    count => {
      for (const other of EDGES) {
        expectTiled(count, other, count * 100 + other);
        expectTiled(other, count, count * 100 + other);
      }
    },
  );

  test('follows the index formula for random shapes', () => {
    fc.assert(
      fc.property(extent(120), extent(300), fc.integer(), (rows, columns, seed) =>
        expectTiled(rows, columns, seed),
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['-infinity', Number.NEGATIVE_INFINITY],
    ['65520', 65520],
    ['65505, which would still round to 65504', 65505],
    ['-1e10', -1e10],
  ])('refuses %s and says where it is', (_, value) => {
    const weights = new Float32Array(18 * 33);
    weights[17 * 33 + 32] = value;
    const tiles = new Uint16Array(32 * 64);
    let thrown: unknown;
    try {
      tileWeights(weights, 18, 33, tiles, 'error', noReport());
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UnrepresentableWeightError);
    expect(thrown).toMatchObject({ row: 17, column: 32, value });
  });

  test('saturates finite weights of both signs and counts them', () => {
    const weights = Float32Array.of(65504, 65505, -65520, 1e38, -65504, 1);
    const tiles = new Uint16Array(16 * 32);
    const report = noReport();
    tileWeights(weights, 1, 6, tiles, 'saturate', report);
    expect(Array.from(tiles.subarray(0, 6), halfToFloat)).toEqual([65504, 65504, -65504, 65504, -65504, 1]);
    expect(report.saturated).toBe(3);
    expect(report.largestError).toBe(0);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %p even when saturating', value => {
    expect(() =>
      tileWeights(Float32Array.of(value), 1, 1, new Uint16Array(512), 'saturate', noReport()),
    ).toThrow(UnrepresentableWeightError);
  });

  test('reports the largest rounding error, over several calls', () => {
    const report = noReport();
    const tiles = new Uint16Array(512);
    tileWeights(Float32Array.of(1 + 2 ** -12), 1, 1, tiles, 'error', report);
    tileWeights(Float32Array.of(1 + 2 ** -13, -0), 1, 2, tiles, 'error', report);
    expect(report).toEqual({ largestError: 2 ** -12, saturated: 0 });
    expect(tiles[1]).toBe(0x8000);
  });

  test('reads weights that begin anywhere in their buffer', () => {
    const weights = Float32Array.of(9, 9, 9, 1, 2).subarray(3);
    const tiles = new Uint16Array(512);
    tileWeights(weights, 2, 1, tiles, 'error', noReport());
    expect([halfToFloat(tiles[0]!), halfToFloat(tiles[32]!)]).toEqual([1, 2]);
  });

  test('refuses buffers of another size', () => {
    const report = noReport();
    expect(
      messageOf(() => tileWeights(new Float32Array(5), 2, 3, new Uint16Array(512), 'error', report)),
    ).toBe('tileWeights: buffers do not fit 2 x 3 weights: got 5 weights, 512 halves, wanted 6 and 512');
    expect(
      messageOf(() => tileWeights(new Float32Array(6), 2, 3, new Uint16Array(6), 'error', report)),
    ).toContain('wanted 6 and 512');
  });
});

test('roundWeights rounds like tileWeights and leaves the rows in order', () => {
  const weights = randomFloats(17 * 33, 5);
  const halves = new Uint16Array(17 * 33);
  const report = noReport();
  roundWeights(weights, 17, 33, halves, 'error', report);
  expect(halves).toEqual(Uint16Array.from(weights, floatToHalf));
  expect(report.largestError).toBe(
    weights.reduce(
      (largest, value) => Math.max(largest, Math.abs(value - halfToFloat(floatToHalf(value)))),
      0,
    ),
  );
  weights[20 * 3] = Number.NaN;
  expect(() => roundWeights(weights, 17, 33, halves, 'error', report)).toThrow('row 1, column 27: NaN');
});

describe('packFeatures', () => {
  test('follows the index formula for random shapes, with zeros around', () => {
    fc.assert(
      fc.property(
        extent(9),
        fc.integer({ min: 0, max: 5 }),
        extent(130),
        fc.integer(),
        (rows, more, columns, seed) => {
          const M = rows + more;
          const K = Math.ceil(columns / 32) * 32;
          const values = randomFloats(rows * columns, seed);
          const features = new Uint16Array(M * K).fill(GARBAGE);
          expect(packFeatures(values, rows, columns, features, M)).toBe(-1);
          const wanted = new Uint16Array(M * K);
          for (let m = 0; m < rows; m++) {
            for (let k = 0; k < columns; k++)
              wanted[formula.feature(m, k, M)] = floatToHalf(values[m * columns + k]!);
          }
          expectSameHalves(features, wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('gives the place of the first activation that FP16 cannot hold', () => {
    const values = Float32Array.of(1, 2, 65519, 65520, Number.NaN, 3);
    expect(packFeatures(values, 2, 3, new Uint16Array(2 * 32), 2)).toBe(3);
  });
});

describe('unpackResult', () => {
  test.each([1, 4, 8])('follows the index formula with %i rows', M => {
    const columns = 24;
    const result = randomFloats(M * columns, M);
    const rows = Math.min(M, 3);
    const into = new Float32Array(rows * 30);
    unpackResult(result, M, 4, 18, rows, into, 30, 7);
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < 30; n++) {
        const inside = n >= 7 && n < 25;
        const wanted = inside ? result[formula.result(m, 4 + n - 7, M)]! : 0;
        expect(into[m * 30 + n]).toBe(wanted);
      }
    }
  });

  test('refuses to begin inside a block', () => {
    expect(
      messageOf(() => unpackResult(new Float32Array(64), 4, 2, 4, 1, new Float32Array(8), 8, 0)),
    ).toContain('do not fit');
  });
});
