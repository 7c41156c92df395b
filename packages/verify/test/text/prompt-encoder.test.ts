import { describe, expect, test } from '@jest/globals';
import { UsageError, type Vocabulary } from '@npu-llama/format';
import { PromptEncoder } from '../../src/text/index.js';

const FIRST_TEXT_TOKEN = 259;

/** The special tokens, the bytes, and these pieces from token 259 on, with these scores. */
function vocabulary(pieces: readonly (readonly [text: string, score: number])[]): Vocabulary {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const texts = ['<unk>', '\n<s>\n', '\n</s>\n', ...bytes, ...pieces.map(([text]) => text)];
  const scores = new Float32Array(texts.length);
  pieces.forEach(([, score], i) => {
    scores[FIRST_TEXT_TOKEN + i] = score;
  });
  return { maxTokenLength: 27, pieces: texts.map(text => Buffer.from(text)), scores };
}

/** Encodes with those pieces; BOS left out, a piece as its text, other tokens as numbers. */
function encode(
  text: string,
  pieces: readonly (readonly [text: string, score: number])[],
): (string | number)[] {
  const [bos, ...tokens] = new PromptEncoder(vocabulary(pieces)).encode(text);
  expect(bos).toBe(1);
  return tokens.map(token => pieces[token - FIRST_TEXT_TOKEN]?.[0] ?? token);
}

const LETTERS = [' ', 'a', 'b', 'c'].map(text => [text, -100] as const);

describe('PromptEncoder', () => {
  test('an empty text is BOS alone', () => {
    expect(encode('', LETTERS)).toEqual([]);
  });

  test('puts a space before every other text', () => {
    expect(encode('a', LETTERS)).toEqual([' ', 'a']);
    expect(encode(' ', LETTERS)).toEqual([' ', ' ']);
  });

  test('merges the pair of highest score first, wherever it is', () => {
    const pieces = [...LETTERS, ['ab', -2], ['bc', -1], ['abc', -9]] as const;
    expect(encode('abc', pieces)).toEqual([' ', 'abc']);
    expect(encode('abc', [...LETTERS, ['ab', -2], ['bc', -1]])).toEqual([' ', 'a', 'bc']);
    expect(encode('abc', [...LETTERS, ['ab', -1], ['bc', -2]])).toEqual([' ', 'ab', 'c']);
  });

  test('merges the leftmost of equals', () => {
    expect(encode('aaa', [...LETTERS, ['aa', -1]])).toEqual([' ', 'aa', 'a']);
    expect(encode('abc', [...LETTERS, ['ab', -1], ['bc', -1]])).toEqual([' ', 'ab', 'c']);
  });

  test('merges the space that it put in', () => {
    expect(encode('ab', [...LETTERS, [' a', -1], ['ab', -2]])).toEqual([' a', 'b']);
  });

  test('goes on merging what it merged', () => {
    const pieces = [...LETTERS, ['aa', -1], ['aaaa', -2], [' aaaa', -3]] as const;
    expect(encode('aaaa', pieces)).toEqual([' aaaa']);
  });

  test('takes the token of a whole UTF-8 character, and merges it', () => {
    expect(encode('é', [...LETTERS, ['é', -9]])).toEqual([' ', 'é']);
    expect(encode('aé', [...LETTERS, ['é', -9], ['aé', -1]])).toEqual([' ', 'aé']);
  });

  test.each([
    ['one byte', 'z', [0x7a]],
    ['two', 'é', [0xc3, 0xa9]],
    ['three', '→', [0xe2, 0x86, 0x92]],
    ['four, a surrogate pair in JavaScript', '🐕', [0xf0, 0x9f, 0x90, 0x95]],
    ['a lone surrogate, which is no character', '\ud83d', [0xef, 0xbf, 0xbd]],
  ])('falls back to bytes: %s', (_, text, bytes) => {
    expect(encode(text, LETTERS)).toEqual([' ', ...bytes.map(byte => byte + 3)]);
  });

  test('spells the space as a byte where it has no token', () => {
    expect(encode('a', [['a', -1]])).toEqual([0x20 + 3, 'a']);
  });

  test('takes the first of two equal pieces', () => {
    expect(new PromptEncoder(vocabulary([...LETTERS, ['a', -1]])).encode('a')).toEqual([1, 259, 260]);
  });

  test('rejects what a vocabulary without byte tokens cannot express', () => {
    const small: Vocabulary = {
      maxTokenLength: 5,
      pieces: ['<unk>', '<s>', '</s>', ' ', 'a'].map(text => Buffer.from(text)),
      scores: new Float32Array(5),
    };
    expect(new PromptEncoder(small).encode('a')).toEqual([1, 3, 4]);
    expect(() => new PromptEncoder(small).encode('b')).toThrow(UsageError);
  });

  test('a long text is encoded as its definition says, which rescans it after every merge', () => {
    const pieces = [
      ...LETTERS,
      ['ab', 1],
      ['abab', 3],
      ['ba', 1],
      ['aa', 2],
      ['aaa', 2],
      ['c ', Number.NaN],
    ] as const;
    const scores = new Map<string, number>(pieces);
    const text = Array.from({ length: 600 }, (_, i) => 'aabbc '[(i * i * 7 + (i >> 3)) % 6]!).join('');
    const parts = [' ', ...text];
    for (;;) {
      let best = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const score = scores.get(parts[i]! + parts[i + 1]!) ?? Number.NaN;
        if (score > (best < 0 ? -Infinity : scores.get(parts[best]! + parts[best + 1]!)!)) best = i;
      }
      if (best < 0) break;
      parts.splice(best, 2, parts[best]! + parts[best + 1]!);
    }
    expect(encode(text, pieces)).toEqual(parts);
  });

  test('takes some twenty looks at the vocabulary a character, however long the text is', () => {
    const doubled = Array.from({ length: 6 }, (_, i) => ['a'.repeat(2 ** (i + 1)), i] as const);
    const encoder = new PromptEncoder(vocabulary([...LETTERS, ...doubled]));
    const get = Map.prototype.get;
    let looks = 0;
    Map.prototype.get = function (this: Map<unknown, unknown>, key: unknown) {
      looks++;
      return get.call(this, key);
    };
    try {
      encoder.encode('a'.repeat(20_000));
    } finally {
      Map.prototype.get = get;
    }
    expect(looks).toBeLessThan(20 * 20_000);
  });
});
