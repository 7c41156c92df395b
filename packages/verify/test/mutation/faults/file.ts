import type { Fault } from '../support/fault.js';

/** f16 bits. */
const LARGEST = 0x7bff;
const ONE = 0x3c00;
const NOT_A_NUMBER = 0x7e00;

/** Damage to the .npu file, which --no-checksums loads as it is. */
export const fileFaults: readonly Fault[] = [
  {
    name: 'lowest mantissa bit of a weight flipped, checksums on',
    put: 'layers.1.wo row 17, column 40, in the file',
    file: file => file.tiles('layers.1.wo').flip(17, 40, 0),
    checksums: true,
    expected: { status: 2, by: ['checksum'], says: /layers\.1\.wo/ },
  },
  {
    name: 'lowest mantissa bit of a weight flipped',
    put: 'layers.1.wo row 17, column 40, in the file',
    file: file => file.tiles('layers.1.wo').flip(17, 40, 0),
    expected: { status: 1, by: ['audit'], place: 'layers.1.wo', common: 'mantissa bit 0', says: /damaged/ },
  },
  {
    name: 'highest mantissa bit of a weight flipped',
    put: 'layers.0.wv row 3, column 7, in the file',
    file: file => file.tiles('layers.0.wqkv').flip(96 + 48 + 3, 7, 9),
    expected: { status: 1, by: ['audit'], place: 'layers.0.wv', common: 'mantissa bit 9' },
  },
  {
    name: 'highest exponent bit of a weight flipped',
    put: 'layers.2.w1 row 100, column 50, in the file',
    file: file => file.tiles('layers.2.w13').flip(100, 50, 14),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2.w1', common: 'exponent bit 4' },
  },
  {
    name: 'sign of a weight flipped',
    put: 'classifier row 300, column 11, in the file',
    file: file => file.tiles('classifier').flip(300, 11, 15),
    expected: { status: 1, by: ['audit'], place: 'classifier', common: 'the sign' },
  },
  {
    name: 'two tiles swapped',
    put: 'layers.3.w2 tiles 3 and 4, in the file',
    file: file => file.tiles('layers.3.w2').swapTiles(3, 4),
    expected: {
      status: 1,
      by: ['audit'],
      place: 'layers.3.w2',
      common: 'swapped',
      says: /tiles stand in the wrong order/,
    },
  },
  {
    name: 'one row shifted by a column',
    put: 'layers.1.wq row 5, in the file',
    file: file => file.tiles('layers.1.wqkv').shiftRow(5, 1),
    expected: { status: 1, by: ['audit'], place: 'layers.1.wq', common: 'shifted by 1 column' },
  },
  {
    name: 'rows one too low',
    put: 'layers.0.w3 rows 20 to 30 hold the row before, in the file',
    file: file => file.tiles('layers.0.w13').pushRows(272 + 20, 272 + 30),
    expected: { status: 1, by: ['audit'], place: 'layers.0.w3', common: '1 row back' },
  },
  {
    name: 'wk and wv swapped',
    put: 'layers.2, in the file',
    file: file => file.tiles('layers.2.wqkv').swapRows(96, 144, 48),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2.wqkv', says: /took each other's place/ },
  },
  {
    name: 'w1 and w3 swapped',
    put: 'layers.1, in the file',
    file: file => file.tiles('layers.1.w13').swapRows(0, 272, 272),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.1.w13', says: /took each other's place/ },
  },
  {
    name: 'a 16-row group that was never written',
    put: 'layers.3.wo rows 32 to 47 zero, in the file',
    file: file => file.tiles('layers.3.wo').data.fill(0, 32 * 96, 48 * 96),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.3.wo', says: /never written/ },
  },
  {
    name: 'a weight saturated',
    put: 'layers.2.w3 row 7, column 7 is 65504, in the file',
    file: file => file.tiles('layers.2.w13').set(272 + 7, 7, LARGEST),
    expected: { status: 1, by: ['audit'], place: 'layers.2.w3' },
  },
  {
    name: 'a NaN among the weights',
    put: 'layers.1.wk row 0, column 0, in the file',
    file: file => file.tiles('layers.1.wqkv').set(96, 0, NOT_A_NUMBER),
    expected: { status: 1, by: ['refusal'], place: 'layers.1.wk', says: /damaged/ },
  },
  {
    name: 'padding columns not zero',
    put: 'layers.0.w2 columns 260 to 287 of row 9, in the file',
    file: file => {
      for (let column = 260; column < 288; column++) file.tiles('layers.0.w2').set(9, column, ONE);
    },
    onlyWith: ['--sweep'],
    expected: { status: 1, by: ['sweep'], place: 'layers.0.w2', says: /padding/ },
  },
  {
    name: 'padding rows not zero',
    put: 'layers.1.wqkv row 45, behind the 40 rows of wq, in the file',
    model: 'padded',
    file: file => file.tiles('layers.1.wqkv').set(45, 3, ONE),
    expected: { status: 1, by: ['audit'], place: 'layers.1.wqkv', says: /padding/ },
  },
  {
    name: 'a norm weight damaged',
    put: 'rms_ffn of layer 2, element 10 doubled, in the file',
    file: file => {
      file.floats('rms_ffn')[2 * 96 + 10]! *= 2;
    },
    expected: { status: 1, by: ['audit'], place: 'rms_ffn' },
  },
  {
    name: 'the norms of two layers swapped',
    put: 'rms_att of layers 1 and 2, in the file',
    file: file => {
      const norms = file.floats('rms_att');
      const first = norms.slice(96, 192);
      norms.copyWithin(96, 192, 288);
      norms.set(first, 192);
    },
    expected: { status: 1, by: ['audit'], place: 'rms_att' },
  },
];
