import { expect, test } from '@jest/globals';
import type { Vocabulary } from '@npu-llama/format';
import { showText, showToken } from '../../src/text/index.js';

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

test('shows a token by its text and its number', () => {
  const vocabulary: Vocabulary = {
    maxTokenLength: 4,
    pieces: [Buffer.from(' dog'), Uint8Array.of(0xe2, 0x86)],
    scores: new Float32Array(2),
  };
  expect(showToken(0, vocabulary)).toBe('" dog" (0)');
  expect(showToken(1, vocabulary)).toBe('bytes e286 (1)');
  expect(showToken(2, undefined)).toBe('token 2');
});
