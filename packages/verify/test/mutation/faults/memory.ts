import type { Fault } from '../support/fault.js';

const NOT_A_NUMBER = 0x7e00;

function flipped(
  name: string,
  matrix: string,
  row: number,
  column: number,
  bit: number,
): Omit<Fault, 'expected'> {
  return {
    name: `${name} of a weight flipped in memory`,
    put: `${matrix} row ${row}, column ${column}`,
    arm: board => board.weights(matrix).flip(row, column, bit),
  };
}

/** Damage to weights in DMA memory, after they were loaded. */
export const memoryFaults: readonly Fault[] = [
  {
    ...flipped('lowest mantissa bit', 'layers.2.w13', 33, 60, 0),
    onlyWith: ['--sweep'],
    expected: { status: 1, by: ['sweep'], place: 'layers.2.w1', common: 'mantissa bit 0', says: /memory/ },
  },
  {
    ...flipped('middle mantissa bit', 'layers.3.wo', 80, 12, 5),
    expected: { status: 1, by: ['audit'], place: 'layers.3.wo', common: 'mantissa bit 5', says: /memory/ },
  },
  {
    ...flipped('highest mantissa bit', 'layers.1.w2', 70, 200, 9),
    expected: { status: 1, by: ['audit'], place: 'layers.1.w2', common: 'mantissa bit 9', says: /memory/ },
  },
  {
    ...flipped('lowest exponent bit', 'layers.0.wqkv', 20, 95, 10),
    expected: { status: 1, by: ['audit'], place: 'layers.0.wq', common: 'exponent bit 0', says: /memory/ },
  },
  {
    ...flipped('highest exponent bit', 'layers.0.w2', 5, 5, 14),
    expected: { status: 1, by: ['audit'], place: 'layers.0.w2', common: 'exponent bit 4', says: /memory/ },
  },
  {
    ...flipped('sign', 'layers.2.wqkv', 100, 30, 15),
    expected: { status: 1, by: ['audit'], place: 'layers.2.wk', common: 'the sign', says: /memory/ },
  },
  {
    name: 'two tiles swapped in memory',
    put: 'layers.2.wo tiles 0 and 7',
    arm: board => board.weights('layers.2.wo').swapTiles(0, 7),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2.wo', common: 'swapped', says: /memory/ },
  },
  {
    name: 'a cache line of weights that was not written back',
    put: 'layers.1.wv row 40, columns 32 to 63 zero in memory',
    arm: board => {
      for (let column = 32; column < 64; column++)
        board.weights('layers.1.wqkv').set(96 + 48 + 40, column, 0);
    },
    expected: { status: 1, by: ['audit'], place: 'layers.1.wv', says: /memory/ },
  },
  {
    name: "another matrix's page in memory",
    put: 'the first 4096 bytes of layers.3.w13 are those of layers.2.w13',
    arm: board =>
      board.weights('layers.3.w13').data.set(board.weights('layers.2.w13').data.subarray(0, 2048)),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.3.w1', says: /memory/ },
  },
  {
    name: 'a NaN among the weights in memory',
    put: 'layers.3.w2 row 50, column 100',
    arm: board => board.weights('layers.3.w2').set(50, 100, NOT_A_NUMBER),
    expected: { status: 1, by: ['refusal'], place: 'layers.3.w2', says: /memory/ },
  },
  {
    name: 'a weight of a token that nobody draws, in memory',
    put: 'classifier row 509, column 3: highest mantissa bit',
    arm: board => board.weights('classifier').flip(509, 3, 9),
    expected: { status: 1, by: ['audit'], place: 'classifier', common: 'mantissa bit 9', says: /memory/ },
  },
];
