import { describe, expect, test } from '@jest/globals';
import {
  allRegisters,
  decodeFields,
  encodeFields,
  type Register,
  UnitCode,
} from '../../src/hardware/index.js';

const registers = allRegisters();
const title = (register: Register): string => `${register.unit} ${register.name}`;
const fieldRows = registers.flatMap(register =>
  Object.entries(register.fields).map(
    ([field, [lowestBit, bits]]) => [title(register), field, register, lowestBit, bits] as const,
  ),
);

describe('the register table', () => {
  test('has as many registers of each unit as an FP16 program sets', () => {
    // 108 words: these, less BASE_ADDRESS, which takes the place of the filler.
    const perUnit = new Map<string, number>();
    for (const { unit } of registers) perUnit.set(unit, (perUnit.get(unit) ?? 0) + 1);
    expect(Object.fromEntries(perUnit)).toEqual({ PC: 2, SYNC: 1, ENABLE: 1, CNA: 48, CORE: 5, DPU: 51 });
  });

  test('no two registers share unit and address', () => {
    const places = registers.map(register => `${UnitCode[register.unit]}:${register.address}`);
    expect(new Set(places).size).toBe(registers.length);
  });

  test('no two registers share unit and name', () => {
    expect(new Set(registers.map(title)).size).toBe(registers.length);
  });

  test('every address fits the 16 bits of a command and is a multiple of 4', () => {
    for (const { address } of registers) expect([address % 4, address >>> 16]).toEqual([0, 0]);
  });

  const pages = { CNA: 0x1000, CORE: 0x3000, DPU: 0x4000, PC: 0, SYNC: 0, ENABLE: 0, DPU_RDMA: 0x5000 };
  test.each(registers.map(register => [title(register), register] as const))(
    "%s stands in its unit's page",
    (_, { unit, address }) => {
      expect(address & 0xf000).toBe(pages[unit]);
    },
  );
});

describe('fields', () => {
  // Widths that limits follow from.
  test.each([
    ['CNA CONV_CON2', 'feature_grains', 10],
    ['CNA DMA_CON2', 'surf_stride', 28],
    ['CNA FEATURE_DATA_ADDR', 'address', 32],
    ['CNA DCOMP_ADDR0', 'address', 32],
    ['DPU DST_BASE_ADDR', 'address', 32],
    ['DPU DATA_CUBE_CHANNEL', 'channel', 13],
    ['DPU DATA_CUBE_CHANNEL', 'orig_channel', 13],
    ['DPU WDMA_SIZE_0', 'channel_wdma', 13],
  ])('%s.%s has %i bits', (name, field, bits) => {
    expect(registers.find(register => title(register) === name)!.fields[field]?.[1]).toBe(bits);
  });

  test.each(registers.map(register => [title(register), register] as const))(
    'of %s do not overlap and fit 32 bits',
    (_, register) => {
      let taken = 0n;
      for (const [lowestBit, bits] of Object.values(register.fields)) {
        const mask = ((1n << BigInt(bits)) - 1n) << BigInt(lowestBit);
        expect(taken & mask).toBe(0n);
        taken |= mask;
      }
      expect(taken).toBeGreaterThan(0n);
      expect(taken).toBeLessThan(1n << 32n);
    },
  );

  test.each(fieldRows)(
    '%s.%s takes its largest value, and no more',
    (name, field, register, lowestBit, bits) => {
      const largest = 2 ** bits - 1;
      expect(encodeFields(register, { [field]: largest })).toBe(largest * 2 ** lowestBit);
      for (const bad of [2 ** bits, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const encode = (): number => encodeFields(register, { [field]: bad });
        expect(encode).toThrow(RangeError);
        expect(encode).toThrow(`${name}.${field}: ${bad} does not fit ${bits} bits (0 to ${largest})`);
      }
    },
  );

  test.each(registers.map(register => [title(register), register] as const))(
    'decodeFields inverts encodeFields for %s',
    (_, register) => {
      // A value of its own for every field, so that two swapped fields show.
      const values = Object.entries(register.fields).map(
        ([name, [, bits]], i) => [name, (2 ** 32 - 1 - i) % 2 ** bits] as [string, number],
      );
      const word = encodeFields(register, Object.fromEntries(values));
      expect(decodeFields(register, word)).toEqual({ fields: values, stray: 0 });
    },
  );

  test('a field that the register does not have is refused by name', () => {
    const register = registers.find(({ name }) => name === 'CONV_CON2')!;
    expect(() => encodeFields(register, { grains: 1 })).toThrow('CNA CONV_CON2 has no field grains');
  });

  test('decodeFields tells the bits that no field has', () => {
    const register = registers.find(({ name }) => name === 'CONV_CON2')!;
    expect(decodeFields(register, 0xffff_ffff)).toEqual({
      fields: [['feature_grains', 1023]],
      stray: 0xffffc00f,
    });
  });
});
