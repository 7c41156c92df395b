import type { Vocabulary } from '@npu-llama/format';
import { WORDS_A_TURN } from '../text/in-turns.js';

/** A vocabulary in three arrays: 32,000 small ones take 20 ms to clone, in the thread that is to answer others. */
export interface PackedVocabulary {
  readonly maxTokenLength: number;
  readonly scores: Float32Array;
  /** Pieces, one behind the other. */
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
}

export function packVocabulary({ maxTokenLength, scores, pieces }: Vocabulary): PackedVocabulary {
  const lengths = Uint32Array.from(pieces, piece => piece.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { maxTokenLength, scores, bytes, lengths };
}

/** The vocabulary again, in steps of WORDS_A_TURN; its pieces are views. */
export function* unpackVocabulary(packed: PackedVocabulary): Generator<void, Vocabulary, void> {
  const { maxTokenLength, scores, bytes, lengths } = packed;
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
    if (pieces.length % WORDS_A_TURN === 0) yield;
  }
  return { maxTokenLength, scores, pieces };
}
