import { expect, test } from '@jest/globals';
import { PiecePrinter } from '../../src/text/print.js';

/** What stands on the output after these pieces. */
function printed(...pieces: readonly (readonly number[])[]): number[] {
  const printer = new PiecePrinter();
  return pieces.flatMap(piece => [...printer.print(Uint8Array.from(piece))]);
}

const bytesOf = (text: string): number[] => [...Buffer.from(text)];

test('a lone byte is printed only where C finds it printable or white space', () => {
  const shown = Array.from({ length: 256 }, (_, byte) => byte).filter(byte => printed([byte]).length === 1);
  const printable = Array.from({ length: 95 }, (_, i) => 0x20 + i);
  // \t \n \v \f \r
  expect(shown).toEqual([9, 10, 11, 12, 13, ...printable]);
});

test.each(['', '\u00e9', 'once upon', 'a\tb\n', '\u4e2d\u6587', '\u00a0\u00bf', '\ud83d\ude42'])(
  'a piece %j without control characters is printed as it is',
  text => {
    expect(printed(bytesOf(text))).toEqual(bytesOf(text));
  },
);

test.each([
  ['an escape sequence', '\u001b[2Jx', '[2Jx'],
  ['a bell and a zero', 'a\u0007\u0000b', 'ab'],
  ['a deletion', 'ab\u007f', 'ab'],
  ['a command of eight bits', 'a\u009b2Jb', 'a2Jb'],
])('%s within a piece never reaches the terminal', (_, text, shown) => {
  expect(printed(bytesOf(text))).toEqual(bytesOf(shown));
});

test('nor does one that two pieces make together', () => {
  expect(printed([0x61, 0xc2], [0x9b, 0x62])).toEqual(bytesOf('ab'));
  expect(printed([0x61, 0xc2], [0xa9, 0x62])).toEqual(bytesOf('a\u00a9b'));
  expect(printed([0x61, 0xc2], bytesOf('bc'))).toEqual([0x61, 0xc2, 0x62, 0x63]);
});
