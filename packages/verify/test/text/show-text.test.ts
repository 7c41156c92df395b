import { expect, test } from '@jest/globals';
import { pieceText, showText } from '../../src/text/index.js';

test.each([
  ['plain text', 'Once "upon"', '"Once \\"upon\\""'],
  ['a line break', 'a\nb', '"a\\nb"'],
  ['an escape that would clear the terminal', '\u001b[2J', '"\\u001b[2J"'],
  ['a control character beyond ASCII', '\u009b2J', '"\\u009b2J"'],
  ['a mark that turns the line around', '\u202eabc', '"\\u202eabc"'],
  ['letters of any script', 'éñ→', '"éñ→"'],
])('shows %s', (_, text, shown) => {
  expect(showText(text)).toBe(shown);
});

test.each([
  ['a word', Buffer.from(' dog'), ' dog'],
  ['a byte that is a character', Buffer.from('<0x0A>'), '\n'],
  ['a byte that is part of one', Buffer.from('<0xF0>'), '<0xF0>'],
  ['bytes that are no text', Uint8Array.of(0xe2, 0x86), '<0xE2><0x86>'],
  ['what looks like a byte, and more', Buffer.from('<0x0A>!'), '<0x0A>!'],
])('a piece that is %s', (_, piece, text) => {
  expect(pieceText(piece)).toBe(text);
});
