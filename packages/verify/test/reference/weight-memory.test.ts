import { expect, test } from '@jest/globals';
import { packRowsPlain } from '../../src/reference/packed-matrix.js';
import { allocateMatrices } from '../../src/reference/weight-memory.js';
import { pseudoRandom } from '../support/pseudo-random.js';

const SHAPES = [16, 3, 33, 100, 40, 1, 64].map((rows, i) => ({ rows, columns: i + 1 }));

test('matrices hold what is written to them, do not overlap, and begin at cache lines', () => {
  const matrices = allocateMatrices(SHAPES);
  matrices.forEach((matrix, i) => {
    matrix.setRows(0, new Float32Array(matrix.rows * matrix.columns).fill(i + 1));
  });
  matrices.forEach((matrix, i) => {
    expect(new Set(matrix.toRows())).toEqual(new Set([i + 1]));
  });
  const bands = matrices.flatMap(matrix => matrix.bands);
  expect(bands.map(({ weights }) => weights.byteOffset % 64)).toEqual(bands.map(() => 0));
});

test('one memory is enough where it holds all', () => {
  const bands = allocateMatrices(SHAPES).flatMap(matrix => matrix.bands);
  expect(bands).toHaveLength(SHAPES.length);
  expect(new Set(bands.map(({ memory }) => memory)).size).toBe(1);
});

test('what one memory does not hold goes on in the next, 8 rows at least', () => {
  const matrices = allocateMatrices(
    [
      { rows: 20, columns: 2 },
      { rows: 8, columns: 3 },
      { rows: 40, columns: 4 },
    ],
    64,
  );
  // 3 groups of 16 | a group of 24, in 32 | 5 groups of 32
  expect(matrices.map(({ bands }) => bands.map(({ firstRow, rowCount }) => [firstRow, rowCount]))).toEqual([
    [[0, 20]],
    [[0, 8]],
    [
      [0, 8],
      [8, 16],
      [24, 16],
    ],
  ]);
  const memories = matrices.flatMap(({ bands }) => bands.map(({ memory }) => memory));
  const order = [...new Set(memories)];
  expect(memories.map(memory => order.indexOf(memory))).toEqual([0, 1, 1, 2, 3]);
});

test('refuses a matrix of which no memory holds 8 rows', () => {
  expect(() => allocateMatrices([{ rows: 1, columns: 9 }], 64)).toThrow(
    'no memory holds 8 rows of 9 columns',
  );
});

test('rows are what was written, whatever the shape, in groups of 8 rows side by side', () => {
  for (let i = 0; i < 40; i++) {
    const [rows, columns] = [(i % 20) + 1, i + 1];
    const values = pseudoRandom(rows * columns, i);
    const [matrix] = allocateMatrices([{ rows, columns }]);
    matrix!.setRows(0, values);
    expect(matrix!.toRows()).toEqual(values);
    expect(matrix!.row(rows - 1)).toEqual(values.subarray((rows - 1) * columns));
    const groups = matrix!.bands[0]!.weights;
    const plain = new Float32Array(groups.length);
    packRowsPlain(plain, values, columns);
    expect(groups).toEqual(plain);
  }
});

test('rows can be written in parts of whole groups, across memories', () => {
  const [matrix] = allocateMatrices([{ rows: 45, columns: 3 }], 48);
  const values = pseudoRandom(45 * 3, 5);
  matrix!.setRows(32, values.subarray(32 * 3));
  matrix!.setRows(0, values.subarray(0, 32 * 3));
  expect(matrix!.toRows()).toEqual(values);
});

test.each([
  ['from within a group', 4, 8],
  ['to within a group', 0, 12],
  ['beyond the end', 16, 8],
])('refuses rows %s', (_, firstRow, count) => {
  const [matrix] = allocateMatrices([{ rows: 20, columns: 2 }]);
  expect(() => matrix!.setRows(firstRow, new Float32Array(count * 2))).toThrow(RangeError);
});

test('refuses a row that there is not', () => {
  const [matrix] = allocateMatrices([{ rows: 20, columns: 2 }]);
  expect(() => matrix!.row(20)).toThrow('no row 20 in [20][2]');
});
