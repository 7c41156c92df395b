import { expect, test } from '@jest/globals';
import { randomVocabulary } from '@npu-llama/fixtures';
import { atOnce, WORDS_A_TURN } from '../../src/text/in-turns.js';
import { packVocabulary, unpackVocabulary } from '../../src/worker/packed-vocabulary.js';
import { vocabulary } from '../text/support/vocabulary.js';

test.each([
  [
    'one with an empty piece and one that is not UTF-8',
    vocabulary(['', 1], [Uint8Array.of(0xff), -2], ['ab', 3]),
  ],
  ['a random one', randomVocabulary(400, 1)],
])('a vocabulary comes over as it was: %s', (_, given) => {
  const got = atOnce(unpackVocabulary(structuredClone(packVocabulary(given))));
  expect(got.pieces.map(piece => [...piece])).toEqual(given.pieces.map(piece => [...piece]));
  expect([got.maxTokenLength, got.scores]).toEqual([given.maxTokenLength, given.scores]);
});

test('it is unpacked some words at a time', () => {
  const packed = packVocabulary(randomVocabulary(3 * WORDS_A_TURN + 1, 1));
  expect(Array.from(unpackVocabulary(packed)).length).toBe(3);
});
