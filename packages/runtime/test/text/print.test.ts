import { expect, test } from '@jest/globals';
import { printableBytes } from '../../src/text/print.js';

test('a lone byte is printed only where C finds it printable or white space', () => {
  const printed = Array.from({ length: 256 }, (_, byte) => byte).filter(
    byte => printableBytes(Uint8Array.of(byte)).length === 1,
  );
  const printable = Array.from({ length: 95 }, (_, i) => 0x20 + i);
  // \t \n \v \f \r
  expect(printed).toEqual([9, 10, 11, 12, 13, ...printable]);
});

test.each([[[]], [[0xc3, 0xa9]], [[0, 0]], [[0x61, 0x07]]])(
  'a piece of other length, %j, is printed as it is',
  bytes => {
    expect([...printableBytes(Uint8Array.from(bytes))]).toEqual(bytes);
  },
);
