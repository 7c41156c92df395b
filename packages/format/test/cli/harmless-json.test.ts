import { expect, test } from '@jest/globals';
import { harmlessJson, jsonDocument } from '../../src/cli/index.js';

/** Control characters, separators of lines and direction marks: U+0000 to U+2069. */
const DISTURBING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const everything = Array.from({ length: 0x206a }, (_, code) => String.fromCharCode(code)).join('');

test('JSON has no character that disturbs a terminal, in texts and names, and means the same', () => {
  const value = { text: everything, [everything]: [everything] };
  const text = harmlessJson(JSON.stringify(value));
  expect(DISTURBING.test(text)).toBe(false);
  expect(JSON.parse(text)).toEqual(value);
});

test('what prints stays as it is', () => {
  expect(harmlessJson('"caf\u00e9 \u00a0 \u4e2d \ud83d\ude42"')).toBe(
    '"caf\u00e9 \u00a0 \u4e2d \ud83d\ude42"',
  );
});

test('a document has lines, and ends with one', () => {
  expect(jsonDocument({ name: '\u009b2J\u202e\u2028' })).toBe('{\n  "name": "\\u009b2J\\u202e\\u2028"\n}\n');
});
