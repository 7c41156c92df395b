import { describe, expect, test } from '@jest/globals';
import { halfToFloat } from '@npu-llama/format';
import {
  type OverflowPolicy,
  paddedColumnCount,
  paddedRowCount,
  type RoundingReport,
  roundWeights,
  tileWeights,
  UnrepresentableWeightError,
} from '@npu-llama/format/tiles';
import { WeightRounder } from '../src/weight-rounder.js';
import { rowsPerPiece, WorkingMemory } from '../src/working-memory.js';

const memory = new WorkingMemory();
const rounder = new WeightRounder(memory);
const imul = Math.imul;

interface Shape {
  readonly rows: number;
  readonly columns: number;
}

interface Outcome extends RoundingReport {
  readonly halves: Uint16Array;
}

const FORMS = ['tiles', 'halves'] as const;
type Form = (typeof FORMS)[number];

/** By the kernels, into memory that held something else, with the weights where a slot's would stand. */
function rounded(
  form: Form,
  values: Float32Array,
  { rows, columns }: Shape,
  overflow: OverflowPolicy,
): Outcome {
  memory.halves.fill(0x5555);
  const slot = memory.slots[1]!;
  const weights = new Float32Array(slot.buffer, slot.byteOffset, values.length);
  weights.set(values);
  const report: RoundingReport = { largestError: 0, saturated: 0 };
  const halves = rounder.round(form, weights, rows, columns, overflow, report);
  return { halves: halves.slice(), ...report };
}

/** By the functions that define it. */
function defined(
  form: Form,
  values: Float32Array,
  { rows, columns }: Shape,
  overflow: OverflowPolicy,
): Outcome {
  const report: RoundingReport = { largestError: 0, saturated: 0 };
  const [round, elements] =
    form === 'tiles'
      ? [tileWeights, paddedRowCount(rows) * paddedColumnCount(columns)]
      : [roundWeights, rows * columns];
  const halves = new Uint16Array(elements);
  round(values, rows, columns, halves, overflow, report);
  return { halves, ...report };
}

function expectAsDefined(values: Float32Array, shape: Shape, overflow: OverflowPolicy = 'error'): void {
  for (const form of FORMS) {
    const got = rounded(form, values, shape, overflow);
    const wanted = defined(form, values, shape, overflow);
    const different = got.halves.findIndex((half, i) => half !== wanted.halves[i]);
    expect({ ...got, halves: got.halves.length, different, form, ...shape }).toEqual({
      ...wanted,
      halves: wanted.halves.length,
      different: -1,
      form,
      ...shape,
    });
  }
}

const floatsOf = (bits: ArrayLike<number>): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);
const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const BEYOND = bitsOf(65504) + 1;

/** Any bits, the same at every run. */
function randomBits(count: number, seed: number): Uint32Array {
  let state = seed;
  return new Uint32Array(count).map(() => {
    state = (imul(state, 1664525) + 1013904223) | 0;
    return imul(state ^ (state >>> 15), 0x2c1b3c6d) ^ (state >>> 12);
  });
}

const fits = (bits: number): boolean => (bits & 0x7fffffff) < BEYOND;
const inRows = (values: Float32Array, columns: number): [Float32Array, Shape] => {
  const rows = Math.floor(values.length / columns);
  return [values.subarray(0, rows * columns), { rows, columns }];
};

describe('the kernels give the bits and the largest error of tileWeights and roundWeights', () => {
  test('at each half, the middle between it and the next, and what is just beside both, of either sign', () => {
    const bits: number[] = [];
    for (let half = 0; half <= 0x7bff; half++) {
      const here = bitsOf(halfToFloat(half));
      const middle = bitsOf((halfToFloat(half) + halfToFloat(Math.min(half + 1, 0x7bff))) / 2);
      for (const place of [here - 1, here, here + 1, middle - 1, middle, middle + 1]) {
        if (place >= 0 && fits(place)) bits.push(place, (place | 0x80000000) >>> 0);
      }
    }
    expect(bits.length).toBeGreaterThan(0x7bff * 12 - 9);
    for (let first = 0; first < bits.length; first += 1 << 17) {
      expectAsDefined(...inRows(floatsOf(bits.slice(first, first + (1 << 17))), 64));
    }
  });

  test('for random bits of every exponent that FP16 holds', () => {
    const bits = randomBits(1 << 18, 1).filter(fits);
    expectAsDefined(...inRows(floatsOf(bits.subarray(0, 1 << 17)), 768));
  });

  test('for each error alone: the largest is found in whatever lane, of whatever size', () => {
    const bits = randomBits(4000, 2).filter(fits);
    for (const [i, value] of floatsOf(bits.subarray(0, 300)).entries()) {
      const values = new Float32Array(41);
      values[i % 41] = value;
      expectAsDefined(values, { rows: 1, columns: 41 });
    }
  });

  const COUNTS = [1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65];
  test.each(COUNTS)('for %i rows of any columns on an edge, padding with zeros', rows => {
    for (const columns of COUNTS) {
      const bits = randomBits(rows * columns, rows * 100 + columns).map(value => value & 0xbfffffff);
      expectAsDefined(floatsOf(bits), { rows, columns });
    }
  });

  test.each([768, 11008, 16383, 16384])('for a whole piece of %i columns', columns => {
    const rows = rowsPerPiece(columns);
    const bits = randomBits(rows * columns, columns).map(value => (fits(value) ? value : value & 0x80000000));
    expectAsDefined(floatsOf(bits), { rows, columns });
  });

  test('where weights are clamped', () => {
    const values = floatsOf(randomBits(17 * 33, 4)).map(value => (Number.isFinite(value) ? value : 1));
    expect(defined('tiles', values, { rows: 17, columns: 33 }, 'saturate').saturated).toBeGreaterThan(100);
    expectAsDefined(values, { rows: 17, columns: 33 }, 'saturate');
  });
});

describe('a weight that FP16 cannot hold', () => {
  test.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['-infinity', Number.NEGATIVE_INFINITY],
    ['the float behind 65504', floatsOf([BEYOND])[0]!],
    ['-1e10', -1e10],
  ])('is named wherever it stands: %s', (_, value) => {
    const shape = { rows: 18, columns: 37 };
    for (const form of FORMS) {
      for (const [row, column] of [
        [0, 0],
        [3, 31],
        [16, 32],
        [17, 36],
      ] as const) {
        const values = new Float32Array(shape.rows * shape.columns).fill(0.5);
        values[row * shape.columns + column] = value;
        let thrown: unknown;
        try {
          rounded(form, values, shape, 'error');
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBeInstanceOf(UnrepresentableWeightError);
        expect(thrown).toMatchObject({ row, column, value });
      }
    }
  });

  test('is not one behind the piece, or in the padding', () => {
    memory.slots[1]!.fill(0xff);
    expect(() => rounded('tiles', new Float32Array(33), { rows: 1, columns: 33 }, 'error')).not.toThrow();
  });
});

test('rowsPerPiece gives whole groups that fill a piece, and refuses what the NPU does not take', () => {
  expect([1, 768, 769, 16384].map(rowsPerPiece)).toEqual([8192, 336, 320, 16]);
  expect(() => rowsPerPiece(16385)).toThrow('bug: 16385 columns');
});
