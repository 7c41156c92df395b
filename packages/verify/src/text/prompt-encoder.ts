import { BOS_TOKEN, FIRST_BYTE_TOKEN, UsageError, type Vocabulary } from '@npu-llama/format';
import { HighestScore } from './highest-score.js';

/** In the place of a token that became part of the one before it. */
const GONE = -1;

/** Turns text into llama2.c's tokens. Written for verification alone: a fault of the runtime's must not hide here. */
export class PromptEncoder {
  readonly #vocabulary: Vocabulary;
  /** Token by its bytes, each byte a character; the first of equal pieces. */
  readonly #tokens = new Map<string, number>();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    vocabulary.pieces.forEach((piece, token) => {
      const key = bytesKey(piece);
      if (!this.#tokens.has(key)) this.#tokens.set(key, token);
    });
  }

  /**
   * BOS; for a text that is not empty a space; every character as its token, or as its bytes where it has none; then
   * the adjacent pair that makes the piece of highest score is merged, leftmost first, until none does.
   * @throws UsageError for a character that neither a piece nor the byte tokens can express
   */
  encode(text: string): number[] {
    const characters = text === '' ? [] : [' ', ...text];
    const tokens = [BOS_TOKEN, ...characters.flatMap(character => this.#characterTokens(character))];
    return this.#mergeAll(tokens);
  }

  #characterTokens(character: string): number[] {
    const bytes = Buffer.from(character, 'utf8');
    const token = this.#tokens.get(bytesKey(bytes));
    if (token !== undefined) return [token];
    const last = FIRST_BYTE_TOKEN + Math.max(...bytes);
    if (last >= this.#vocabulary.pieces.length) {
      throw new UsageError(`the tokenizer has no token for ${JSON.stringify(character)}`, {
        got: `${this.#vocabulary.pieces.length} tokens`,
        wanted: `byte token ${last}`,
        next: 'use another prompt',
      });
    }
    return Array.from(bytes, byte => FIRST_BYTE_TOKEN + byte);
  }

  #mergeAll(tokens: readonly number[]): number[] {
    const current = Int32Array.from(tokens);
    /** Of the tokens that are left: a merged one stays at its left part's place. */
    const following = Int32Array.from(tokens, (_, i) => i + 1);
    const preceding = Int32Array.from(tokens, (_, i) => i - 1);
    const highest = new HighestScore(tokens.length);
    const merged = (at: number): number | undefined =>
      following[at]! < tokens.length ? this.#merged(current[at]!, current[following[at]!]!) : undefined;
    const rate = (at: number): void => {
      const token = merged(at);
      highest.set(at, token === undefined ? undefined : this.#vocabulary.scores[token]);
    };
    for (let at = 0; at < tokens.length; at++) rate(at);
    for (let at = highest.place; at !== undefined; at = highest.place) {
      const gone = following[at]!;
      current[at] = merged(at)!;
      current[gone] = GONE;
      following[at] = following[gone]!;
      if (following[at]! < tokens.length) preceding[following[at]!] = at;
      highest.set(gone, undefined);
      rate(at);
      if (preceding[at]! >= 0) rate(preceding[at]!);
    }
    return Array.from(current.filter(token => token !== GONE));
  }

  /** The token of two neighbours' bytes together. */
  #merged(left: number, right: number): number | undefined {
    const { pieces } = this.#vocabulary;
    return this.#tokens.get(bytesKey(pieces[left]!) + bytesKey(pieces[right]!));
  }
}

function bytesKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
