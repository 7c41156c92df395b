import { describe, expect, test } from '@jest/globals';
import { refuseLargeJson } from '../src/json-size.js';

const LIMIT = 2 ** 30;

/** A message, or nothing where the text will do. */
function refusal(json: Uint8Array): string | undefined {
  try {
    refuseLargeJson('x.json', json, 'report');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('JSON that takes more memory than its length tells', () => {
  test.each(['[', '{'])('%s: one for each 64 bytes of memory, and no more', opening => {
    expect(refusal(Buffer.alloc(LIMIT / 64, opening))).toBeUndefined();
    expect(refusal(Buffer.alloc(LIMIT / 64 + 1, opening))).toBe(
      'x.json: has too many values for a report: got 16777217 objects and lists, 0 commas, ' +
        'wanted what takes 1073741824 bytes of memory at most, at 64 and 24',
    );
  });

  test('commas count as values', () => {
    expect(refusal(Buffer.alloc(Math.ceil(LIMIT / 24), ','))).toMatch(/^x\.json: has too many values/);
  });

  test('what stands in a text is no value, also behind an escaped quote', () => {
    const brackets = Buffer.alloc(LIMIT / 64 + 1, '[');
    expect(refusal(Buffer.concat([Buffer.from('"\\"'), brackets, Buffer.from('"')]))).toBeUndefined();
    expect(refusal(Buffer.concat([Buffer.from('"\\\\"'), brackets]))).toBeDefined();
  });
});
