import { describe, expect, test } from '@jest/globals';
import { randomVocabulary, talesFixture } from '@npu-llama/fixtures';
import { readTokenizerFile, UsageError } from '@npu-llama/format';
import { Tokenizer } from '../../src/index.js';
import { atOnce, WORDS_A_TURN } from '../../src/text/in-turns.js';
import { tokenTable } from '../../src/text/token-table.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { randomNumbers } from '../support/random.js';
import { naiveEncode } from './support/naive-tokenizer.js';
import { FIRST_TEXT_TOKEN, vocabulary, vocabularyWithoutBytes } from './support/vocabulary.js';

const tales = readTokenizerFile(talesFixture.tokenizer, 512).vocabulary;

/** What the tokens of a text are spelt like, BOS left out. */
function pieces(tokenizer: Tokenizer, text: string): string[] {
  const [bos, ...tokens] = tokenizer.encode(text);
  expect(bos).toBe(1);
  return tokens.map(token => Buffer.from(tokenizer.vocabulary.pieces[token]!).toString());
}

function decoded(tokenizer: Tokenizer, tokens: readonly number[]): Buffer {
  return Buffer.concat(tokens.slice(1).map((token, i) => tokenizer.decode(tokens[i]!, token)));
}

describe('made in turns, a tokenizer', () => {
  const large = randomVocabulary(3 * WORDS_A_TURN + 1, 3);

  test('takes one for each 2048 words, and is the one that is made at once', async () => {
    let turns = 0;
    const inTurns = await Tokenizer.inTurns(large, async () => void turns++);
    expect([WORDS_A_TURN, turns]).toEqual([2048, 4]);
    const atOnce = new Tokenizer(large);
    const spelt = Buffer.concat(large.pieces.slice(-300)).toString('latin1');
    expect(inTurns.encode(spelt)).toEqual(atOnce.encode(spelt));
    const tokens = Array.from(large.pieces, (_, token) => token);
    expect(decoded(inTurns, tokens).equals(decoded(atOnce, tokens))).toBe(true);
  });

  test('leaves the event loop to others in between', async () => {
    let turns = 0;
    let made = false;
    const making = Tokenizer.inTurns(large);
    const turn = (): void => {
      turns++;
      if (!made) setImmediate(turn);
    };
    setImmediate(turn);
    await making;
    made = true;
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  test('ends with what is thrown in between', async () => {
    const reason = new Error('no');
    const making = Tokenizer.inTurns(large, () => Promise.reject(reason));
    expect(await rejectionOf(making)).toBe(reason);
  });
});

describe('encoding', () => {
  test('an empty text is BOS alone, whatever the vocabulary', () => {
    expect(new Tokenizer(vocabularyWithoutBytes()).encode('')).toEqual([1]);
  });

  test('a text begins with the token of a space, which merges like any other', () => {
    const apart = new Tokenizer(vocabulary([' ', 0], ['a', 0]));
    expect(pieces(apart, 'a')).toEqual([' ', 'a']);
    expect(pieces(apart, ' a')).toEqual([' ', ' ', 'a']);
    expect(pieces(new Tokenizer(vocabulary([' ', 0], ['a', 0], [' a', -1])), 'a')).toEqual([' a']);
  });

  test('two pieces are put together and looked up once, however often they meet, and only where a piece is as long', () => {
    const LONGEST = 64;
    const runs = Array.from({ length: LONGEST }, (_, i) => ['a'.repeat(i + 1), i] as const);
    const words = vocabulary([' ', 0], ...runs);
    const table = atOnce(tokenTable(words));
    const asked: string[] = [];
    const get = (piece: string): number | undefined => {
      asked.push(piece);
      return table.tokens.get(piece);
    };
    const tokens = new Proxy(table.tokens, { get: () => get });
    const text = 'a'.repeat(100 * LONGEST);
    expect(new Tokenizer(words, { ...table, tokens }).encode(text)).toContain(words.pieces.length - 1);
    // One for the space and each code point; then " " or "a" before each run but the longest, and what cannot merge.
    const joints = asked.filter(piece => piece.length > 1);
    expect(joints.length).toBeLessThan(4 * LONGEST);
    expect(Math.max(...joints.map(({ length }) => length))).toBe(LONGEST);
  });

  test('a better score merges first, also where a worse one stands to its left', () => {
    const letters = [' ', 'a', 'b', 'c'].map(letter => [letter, 0] as const);
    const rightFirst = new Tokenizer(vocabulary(...letters, ['ab', -2], ['bc', -1]));
    expect(pieces(rightFirst, 'abc')).toEqual([' ', 'a', 'bc']);
    const leftFirst = new Tokenizer(vocabulary(...letters, ['ab', -1], ['bc', -2]));
    expect(pieces(leftFirst, 'abc')).toEqual([' ', 'ab', 'c']);
  });

  test('of equal scores the leftmost merges first', () => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0], ['a', 0], ['b', 0], ['ab', -1], ['ba', -1]));
    expect(pieces(tokenizer, 'abab')).toEqual([' ', 'ab', 'ab']);
    expect(pieces(tokenizer, 'baba')).toEqual([' ', 'ba', 'ba']);
    expect(pieces(new Tokenizer(vocabulary([' ', 0], ['a', 0], ['aa', -1])), 'aaaaa')).toEqual([
      ' ',
      'aa',
      'aa',
      'a',
    ]);
  });

  test('a merge opens the way to further ones, on both sides', () => {
    const tokenizer = new Tokenizer(
      vocabulary([' ', 0], ['a', 0], ['b', 0], ['c', 0], ['bc', -1], ['abc', -3], [' abc', -4]),
    );
    expect(pieces(tokenizer, 'abc')).toEqual([' abc']);
  });

  test('scores above 0 and equal to each other are scores like any others', () => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0], ['a', 0], ['b', 0], ['ab', 5], ['ba', 7]));
    expect(pieces(tokenizer, 'aba')).toEqual([' ', 'a', 'ba']);
  });

  test('a code point that is a token is that token, however many bytes it has', () => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0], ['é', 0], ['🦊', 0]));
    const [space, accented, fox] = [FIRST_TEXT_TOKEN, FIRST_TEXT_TOKEN + 1, FIRST_TEXT_TOKEN + 2];
    expect(tokenizer.encode('é🦊')).toEqual([1, space, accented, fox]);
  });

  test.each([
    ['é', [0xc3, 0xa9]],
    ['→', [0xe2, 0x86, 0x92]],
    ['🦊', [0xf0, 0x9f, 0xa6, 0x8a]],
    ['\u{10ffff}', [0xf4, 0x8f, 0xbf, 0xbf]],
    ['\0', [0]],
    ['\n', [10]],
  ])('a code point that is no token, %j, is a token for each of its bytes', (text, bytes) => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0]));
    expect(tokenizer.encode(text)).toEqual([1, FIRST_TEXT_TOKEN, ...bytes.map(byte => byte + 3)]);
  });

  test('a code point is looked up whole: its bytes do not merge into it, but as they are spelt', () => {
    // <0xC3> and <0xA9> are six characters each; "é" is none of what they make.
    const tokenizer = new Tokenizer(
      vocabulary([' ', 0], [Uint8Array.of(0xc3, 0xa9, 0xc3), 0], ['<0xC3><0xA9>', 0]),
    );
    expect(pieces(tokenizer, 'é')).toEqual([' ', '<0xC3><0xA9>']);
  });

  test('half of a surrogate pair is the replacement character', () => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0]));
    expect(tokenizer.encode('\ud83e')).toEqual(tokenizer.encode('\ufffd'));
  });

  test('of pieces that are spelt alike the first counts', () => {
    const tokenizer = new Tokenizer(vocabulary([' ', 0], ['a', 0], ['a', 9]));
    expect(tokenizer.encode('a')).toEqual([1, FIRST_TEXT_TOKEN, FIRST_TEXT_TOKEN + 1]);
  });

  test.each([
    ['no bytes at all', vocabularyWithoutBytes([' ', 0], ['a', 0])],
    [
      'other tokens where the bytes should be',
      vocabularyWithoutBytes([' ', 0], ...Array.from({ length: 300 }, (_, i) => [`x${i}`, 0] as const)),
    ],
  ])('a vocabulary with %s is an error that names the byte, only for a text that takes one', (_, without) => {
    const tokenizer = new Tokenizer(without);
    expect(pieces(tokenizer, ' ')).toEqual([' ', ' ']);
    const error = thrownBy(() => tokenizer.encode('é'));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe('the tokenizer has no token for byte 0xC3; use characters that it has');
  });

  test('a vocabulary without a space is an error', () => {
    const error = thrownBy(() => new Tokenizer(vocabulary(['a', 0])).encode('a'));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('no token for " "');
  });
});

describe('decoding', () => {
  const tokenizer = new Tokenizer(vocabulary([' ', 0], [' a', 0], ['  b', 0], ['<0x4', 0], ['<0x41>!', 0]));
  const [space, a, b, open, longer] = [0, 1, 2, 3, 4].map(i => FIRST_TEXT_TOKEN + i) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const text = (previous: number, token: number): string =>
    Buffer.from(tokenizer.decode(previous, token)).toString();

  test('a piece behind BOS loses one leading space', () => {
    expect(text(1, a)).toBe('a');
    expect(text(1, b)).toBe(' b');
    expect(text(1, space)).toBe('');
  });

  test('a piece behind another token keeps its spaces, and EOS is another token', () => {
    expect(text(a, a)).toBe(' a');
    expect(text(2, a)).toBe(' a');
    expect(text(0, b)).toBe('  b');
  });

  test('a byte token is its byte, and keeps it behind BOS even when it is a space', () => {
    for (let byte = 0; byte < 256; byte++) expect([...tokenizer.decode(5, 3 + byte)]).toEqual([byte]);
    expect([...tokenizer.decode(1, 3 + 0x20)]).toEqual([0x20]);
  });

  test('what only resembles a byte token is text', () => {
    expect(text(a, open)).toBe('<0x4');
    expect(text(a, longer)).toBe('<0x41>!');
  });

  test.each([-1, 1.5, Number.NaN, 1e9, FIRST_TEXT_TOKEN + 5])('token %p is an error', token => {
    expect(thrownBy(() => tokenizer.decode(1, token))).toBeInstanceOf(UsageError);
  });
});

describe("against llama2.c's rules, one by one", () => {
  const random = randomNumbers(20);
  const below = (limit: number): number => Math.floor(((random() + 1) / 2) * limit);
  const alphabets = [
    'the ',
    ' etaoinshrdlucmfwyp.,"\n',
    'Once upon a time, there was a little mole. ',
    ' aé→🦊\u{10ffff}\t\0e',
    '<0xC3A9>',
  ].map(alphabet => [...alphabet]);
  const randomText = (length: number): string => {
    const alphabet = alphabets[below(alphabets.length)]!;
    return Array.from({ length }, () => alphabet[below(alphabet.length)]!).join('');
  };
  const stories = 'Then Ben ran to the party. "I made this for you," he said. Ruby looked at the hat.';

  test.each([
    ["the fixture's vocabulary", tales],
    ['a random vocabulary', randomVocabulary(700, 5)],
    ['a vocabulary full of ties', { ...tales, scores: tales.scores.map(score => Math.ceil(score / 60)) }],
  ])('with %s random texts give the same tokens, and decode to what they were', (_, used) => {
    const tokenizer = new Tokenizer(used);
    for (const text of [
      '',
      ' ',
      '   ',
      stories,
      ...Array.from({ length: 40 }, (_, i) => randomText(1 + i)),
    ]) {
      const tokens = tokenizer.encode(text);
      expect({ text, tokens }).toEqual({ text, tokens: naiveEncode(used, text) });
      expect(decoded(tokenizer, tokens).toString()).toBe(text);
    }
  });

  test('a text of 100,000 characters encodes too', () => {
    const text = stories.repeat(2500).slice(0, 100_000);
    const tokenizer = new Tokenizer(tales);
    const tokens = tokenizer.encode(text);
    expect(decoded(tokenizer, tokens).toString()).toBe(text);
    // Where sentences begin and end nothing merges across, so the first one is as it is alone.
    const alone = tokenizer.encode(stories);
    expect(tokens.slice(0, alone.length - 1)).toEqual(alone.slice(0, -1));
  });
});
