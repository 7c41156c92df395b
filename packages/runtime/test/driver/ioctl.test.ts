import { describe, expect, test } from '@jest/globals';
import { defineDrmIoctl, IoctlArgument } from '../../src/driver/ioctl.js';

const MIXED = defineDrmIoctl('MIXED', 'read-write', 0x7f, 24, { a: 'u32', b: 's32', c: 'u64', d: 'u64' });

function argument(): IoctlArgument<typeof MIXED.fields> {
  return new IoctlArgument(MIXED, new Uint8Array(24), 0x1000);
}

describe('defineDrmIoctl', () => {
  test('gives each direction its bits', () => {
    // _IOW and _IOWR of 'd', 0x7f, 8 bytes.
    expect(defineDrmIoctl('W', 'write', 0x7f, 8, { a: 'u64' }).request).toBe(0x4008647f);
    expect(defineDrmIoctl('RW', 'read-write', 0x7f, 8, { a: 'u64' }).request).toBe(0xc008647f);
  });

  test('refuses a size that the fields do not add up to', () => {
    expect(() => defineDrmIoctl('X', 'write', 1, 16, { a: 'u64' })).toThrow('X: fields take 8 bytes, not 16');
  });

  test('refuses a field that the compiler would have moved', () => {
    expect(() => defineDrmIoctl('X', 'write', 1, 12, { a: 'u32', b: 'u64' })).toThrow(
      'X.b is not aligned at 4',
    );
  });
});

describe('IoctlArgument', () => {
  test('writes little endian at the field, and reads back', () => {
    const made = argument().set({ a: 0x04030201, b: -2, c: 0xfedcba9876543210n });
    expect(Buffer.from(made.bytes).toString('hex')).toBe('01020304feffffff1032547698badcfe0000000000000000');
    expect([made.get('a'), made.get('b'), made.get('c'), made.get('d')]).toEqual([
      0x04030201,
      -2,
      0xfedcba9876543210n,
      0n,
    ]);
  });

  test.each<[string, 'a' | 'b' | 'c', number | bigint]>([
    ['u32 its largest', 'a', 2 ** 32 - 1],
    ['s32 its smallest', 'b', -(2 ** 31)],
    ['s32 its largest', 'b', 2 ** 31 - 1],
    ['u64 its largest', 'c', 2n ** 64n - 1n],
  ])('gives %s', (_, field, value) => {
    expect(
      argument()
        .set({ [field]: value } as never)
        .get(field),
    ).toBe(value);
  });

  test.each<[string, 'a' | 'b' | 'c', number | bigint, string]>([
    ['u32 too large', 'a', 2 ** 32, 'MIXED.a: 4294967296 does not fit u32'],
    ['u32 negative', 'a', -1, 'MIXED.a: -1 does not fit u32'],
    ['u32 with a fraction', 'a', 1.5, 'MIXED.a: 1.5 does not fit u32'],
    ['u32 NaN', 'a', Number.NaN, 'MIXED.a: NaN does not fit u32'],
    ['s32 too large', 'b', 2 ** 31, 'MIXED.b: 2147483648 does not fit s32'],
    ['s32 too small', 'b', -(2 ** 31) - 1, 'MIXED.b: -2147483649 does not fit s32'],
    ['u64 too large', 'c', 2n ** 64n, 'MIXED.c: 18446744073709551616'],
    ['u64 negative', 'c', -1n, 'MIXED.c: -1'],
    // What TypeScript refuses but plain JavaScript may do; the neighbours must not be written over.
    ['u64 given a number', 'c', 1, 'MIXED.c: 1 does not fit u64'],
    ['u32 given a bigint', 'a', 1n, 'MIXED.a: 1 does not fit u32'],
  ])('refuses %s and changes nothing', (_, field, value, message) => {
    const made = argument();
    const set = (): unknown => made.set({ [field]: value } as never);
    expect(set).toThrow(RangeError);
    expect(set).toThrow(message);
    expect(made.bytes).toEqual(new Uint8Array(24));
  });

  test('refuses a field that the struct does not have', () => {
    const made = argument() as unknown as IoctlArgument;
    expect(() => made.set({ nonsense: 1 })).toThrow('MIXED has no field nonsense');
    expect(() => made.get('nonsense')).toThrow('MIXED has no field nonsense');
  });

  test('shows the fields that are not zero, addresses in hex', () => {
    expect(argument().set({ a: 7, b: -1, d: 0x1000n }).toString()).toBe('a=7 b=-1 d=0x1000');
    expect(argument().toString()).toBe('');
  });
});
