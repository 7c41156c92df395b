import type { Vocabulary } from '@npu-llama/format';

type Entry = readonly [piece: string | Uint8Array, score: number];

const SPECIAL: readonly Entry[] = [
  ['<unk>', 0],
  ['\n<s>\n', 0],
  ['\n</s>\n', 0],
];
const BYTES: readonly Entry[] = Array.from({ length: 256 }, (_, byte) => {
  return [`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 0];
});

/** The first token behind the special ones and the bytes. */
export const FIRST_TEXT_TOKEN = SPECIAL.length + BYTES.length;

/** A vocabulary of the special tokens and `entries`. */
export function vocabularyWithoutBytes(...entries: readonly Entry[]): Vocabulary {
  return vocabularyOf([...SPECIAL, ...entries]);
}

/** A vocabulary of the special tokens, the bytes, and `entries` from FIRST_TEXT_TOKEN on. */
export function vocabulary(...entries: readonly Entry[]): Vocabulary {
  return vocabularyOf([...SPECIAL, ...BYTES, ...entries]);
}

function vocabularyOf(entries: readonly Entry[]): Vocabulary {
  const pieces = entries.map(([piece]) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
  return {
    maxTokenLength: Math.max(...pieces.map(piece => piece.length)),
    pieces,
    scores: Float32Array.from(entries, ([, score]) => score),
  };
}
