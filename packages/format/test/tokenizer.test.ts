import { truncateSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { encodeTokenizer, parseTokenizer, readTokenizerFile, type Vocabulary } from '../src/index.js';
import { messageOf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const pieces = ['<unk>', '\n<s>\n', '\n</s>\n', '<0x00>', ' ', 'é', ''].map(text =>
  Uint8Array.from(Buffer.from(text)),
);
const vocabulary: Vocabulary = {
  maxTokenLength: 6,
  pieces,
  scores: Float32Array.of(0, 0, 0, 0, -1, -2.5, -1e6),
};
const bytes = encodeTokenizer(vocabulary);

function patched(offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setInt32(offset, value, true);
  return copy;
}

test('a tokenizer is read back as it was written', () => {
  expect(parseTokenizer(bytes, 7, 't')).toEqual(vocabulary);
  expect(readTokenizerFile(folder.write('t.bin', bytes), 7)).toEqual({ vocabulary, bytes });
});

test('a tokenizer may begin anywhere in its buffer', () => {
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(parseTokenizer(shifted.subarray(3), 7, 't')).toEqual(vocabulary);
});

describe('parseTokenizer rejects', () => {
  test.each<[what: string, bytes: Uint8Array, vocabSize: number, message: string]>([
    ['an empty file', new Uint8Array(), 7, 't: is empty: got 0 bytes, wanted a llama2.c tokenizer'],
    ['half a header', bytes.subarray(0, 3), 7, 't: ends within its header: got 3 bytes'],
    ['a maximum length of 0', patched(0, 0), 7, 't: impossible max_token_length'],
    ['a maximum length beyond the file', patched(0, 1000), 7, 't: impossible max_token_length'],
    ['a negative length', patched(8, -1), 7, 't: token 0 has an impossible length: got -1, wanted 0 to 6'],
    ['a piece longer than the maximum', patched(8, 7), 7, 't: token 0 has an impossible length: got 7'],
    [
      'fewer tokens than the model has',
      bytes,
      8,
      'tokenizer of a smaller vocabulary: got an end within token 7, wanted 8 tokens',
    ],
    [
      'a file far too short for the model',
      bytes,
      32000,
      `smaller vocabulary: got ${bytes.length} bytes, wanted 32000`,
    ],
    ['an end within a piece', bytes.subarray(0, 15), 1, 'got an end within token 0'],
    [
      'more tokens than the model has',
      bytes,
      6,
      'is the tokenizer of a larger vocabulary: got 8 bytes behind the last token, wanted exactly 6',
    ],
  ])('%s', (_, input, vocabSize, message) => {
    expect(messageOf(() => parseTokenizer(input, vocabSize, 't'))).toContain(message);
  });
});

describe('readTokenizerFile rejects', () => {
  test('a file too large for any tokenizer, before it is read', () => {
    const path = folder.write('large.bin', bytes);
    // Sparse: no disk is used.
    truncateSync(path, 2 ** 27 + 1);
    expect(messageOf(() => readTokenizerFile(path, 7))).toBe(
      `${path}: is too large for a tokenizer: got 134217729 bytes, wanted at most 134217728`,
    );
  });

  test('a missing file', () => {
    const path = folder.path('none.bin');
    expect(messageOf(() => readTokenizerFile(path, 7))).toBe(
      `${path}: cannot open: no such file or folder (ENOENT); check the path`,
    );
  });

  test('a folder', () =>
    expect(messageOf(() => readTokenizerFile(folder.path('.'), 7))).toContain('is a folder'));

  test('a device, without reading it for ever', () =>
    expect(messageOf(() => readTokenizerFile('/dev/zero', 7))).toContain('is not a regular file'));
});
