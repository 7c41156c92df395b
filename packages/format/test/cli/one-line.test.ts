import { expect, test } from '@jest/globals';
import { oneLine } from '../../src/cli/one-line.js';

test.each([
  ['plain text stays: caf\u00e9 \u4e2d \ud83d\ude42', 'plain text stays: caf\u00e9 \u4e2d \ud83d\ude42'],
  ['two\nlines\r\nand a\ttab', 'two lines and a tab'],
  ['\u001b[31mred', '\\u001b[31mred'],
  ['\u009b2J', '\\u009b2J'],
  ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['\u202egpj.exe', '\\u202egpj.exe'],
  ['\u0000\u0007\u007f', '\\u0000\\u0007\\u007f'],
])('%j is one harmless line', (text, line) => {
  expect(oneLine(text)).toBe(line);
});
