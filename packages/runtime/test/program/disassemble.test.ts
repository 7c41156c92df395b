import { expect, test } from '@jest/globals';
import { disassemble, emitProgram, PROGRAM_WORDS } from '../../src/program/index.js';

/** A 64-bit register command as emitProgram stores it. */
function command(unit: number, value: number, address: number): number[] {
  return [(((value & 0xffff) << 16) | address) >>> 0, ((unit << 16) | (value >>> 16)) >>> 0];
}

const task = {
  rows: 4,
  columns: 96,
  outputs: 8192,
  featureAddress: 0x10000,
  weightAddress: 0xffe00000 - 8192 * 192,
  outputAddress: 0x200000,
  outputFormat: 'fp32',
} as const;

test('a program reads like the table of hardware.md', () => {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(task, words, { address: 0x20360, words: PROGRAM_WORDS });
  expect(`\n${disassemble(words).join('\n')}\n`).toMatchInlineSnapshot();
});

test('the last program of a chain ends with a filler', () => {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(task, words);
  expect(disassemble(words).slice(-4)).toEqual([
    'filler',
    'PC REGISTER_AMOUNTS 0014 = 00000000',
    'SYNC SYNC 0000 = 00000000',
    'ENABLE OPERATION_ENABLE 0008 = 0000000d  pc=1 cna=1 dpu=1',
  ]);
});

test.each<[string, number[], string]>([
  [
    'a register that is not known',
    command(0x0201, 0xdeadbeef, 0x1ffc),
    'unknown unit 0201 register 1ffc = deadbeef',
  ],
  ['a unit that is not known', command(0x4001, 1, 0x6000), 'unknown unit 4001 register 6000 = 00000001'],
  ['a word without a unit that is no filler', command(0, 1, 0), 'unknown unit 0000 register 0000 = 00000001'],
  [
    'bits outside the fields',
    command(0x0201, 0xffff0020, 0x1010),
    'CNA CONV_CON2 1010 = ffff0020  feature_grains=2 stray bits ffff0000',
  ],
  ['a whole-width value', command(0x0201, 0xfffffff0, 0x1060), 'CNA FC_CON0 1060 = fffffff0'],
  [
    'an address with its top bit set',
    command(0x1001, 0xfffffff0, 0x4020),
    'DPU DST_BASE_ADDR 4020 = fffffff0  address=4294967280',
  ],
])('shows %s', (_, words, wanted) => {
  expect(disassemble(Uint32Array.from(words))).toEqual([wanted]);
});

test('half a word at the end is left out', () => {
  expect(disassemble(Uint32Array.of(0, 0, 7))).toEqual(['filler']);
});
