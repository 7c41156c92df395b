import { BOS_TOKEN, FIRST_BYTE_TOKEN, UsageError, type Vocabulary } from '@npu-llama/format';
import { mergePairs } from './merge.js';

/** `<0x0A>`: a piece that stands for one byte. */
const BYTE_PIECE = /^<0x([0-9A-Fa-f]{2})>$/;
const BYTE_PIECE_LENGTH = 6;

/** Encodes and decodes as llama2.c does. Pieces are bytes; here they are keys as latin1 strings, one character a byte. */
export class Tokenizer {
  readonly vocabulary: Vocabulary;
  readonly #tokens = new Map<string, number>();
  readonly #decoded: readonly Uint8Array[];

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    // All keys from one string, and a look at a piece's length before its spelling: a server is not to wait for this.
    const keys = Buffer.concat(vocabulary.pieces).toString('latin1');
    let at = 0;
    this.#decoded = vocabulary.pieces.map((piece, token) => {
      const key = keys.slice(at, at + piece.length);
      at += piece.length;
      if (!this.#tokens.has(key)) this.#tokens.set(key, token);
      const byte = key.length === BYTE_PIECE_LENGTH ? BYTE_PIECE.exec(key) : null;
      return byte === null ? piece : Uint8Array.of(Number.parseInt(byte[1]!, 16));
    });
  }

  /**
   * BOS; then, for text that is not empty, the token of " " and the text's code points (bytes where a code point is no
   * token), merged pair by pair, best score first.
   * @throws UsageError when the vocabulary lacks a token that this takes
   */
  encode(text: string): number[] {
    if (text === '') return [BOS_TOKEN];
    const tokens = [this.#required(' ')];
    for (const codePoint of text) {
      const bytes = Buffer.from(codePoint, 'utf8');
      const token = this.#tokens.get(latin1(bytes));
      if (token === undefined) for (const byte of bytes) tokens.push(this.#byteToken(byte));
      else tokens.push(token);
    }
    const merged = mergePairs(tokens, (left, right) => this.#joint(left, right), this.vocabulary.scores);
    merged.unshift(BOS_TOKEN);
    return merged;
  }

  /** The bytes that `token` adds behind `previous`: after BOS without its leading space. */
  decode(previous: number, token: number): Uint8Array {
    const piece = this.#decoded[token];
    if (piece === undefined) {
      throw new UsageError('no such token', {
        got: String(token),
        wanted: `0 to ${this.#decoded.length - 1}`,
      });
    }
    // Of the piece as it is spelt: the byte token <0x20> keeps its space.
    const startsWithSpace = this.vocabulary.pieces[token]![0] === 0x20;
    return previous === BOS_TOKEN && startsWithSpace ? piece.subarray(1) : piece;
  }

  /** The token whose piece is the two tokens' pieces put together. */
  #joint(left: number, right: number): number | undefined {
    const { pieces } = this.vocabulary;
    return this.#tokens.get(latin1(pieces[left]!) + latin1(pieces[right]!));
  }

  #required(piece: string): number {
    const token = this.#tokens.get(piece);
    if (token === undefined) throw new UsageError(`the tokenizer has no token for ${JSON.stringify(piece)}`);
    return token;
  }

  #byteToken(byte: number): number {
    const token = FIRST_BYTE_TOKEN + byte;
    const piece = this.#decoded[token];
    if (piece?.length !== 1 || piece[0] !== byte) {
      const hex = byte.toString(16).toUpperCase().padStart(2, '0');
      throw new UsageError(`the tokenizer has no token for byte 0x${hex}`, {
        next: 'use characters that it has',
      });
    }
    return token;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
