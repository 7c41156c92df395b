import { BOS_TOKEN, FIRST_BYTE_TOKEN, UsageError, type Vocabulary } from '@npu-llama/format';

/** `<0x0A>`: a piece that stands for one byte. */
const BYTE_PIECE = /^<0x([0-9A-Fa-f]{2})>$/;

/** Encodes and decodes as llama2.c does. Pieces are bytes; here they are keys as latin1 strings, one character a byte. */
export class Tokenizer {
  readonly vocabulary: Vocabulary;
  readonly #tokens = new Map<string, number>();
  readonly #decoded: readonly Uint8Array[];

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    vocabulary.pieces.forEach((piece, token) => {
      const key = latin1(piece);
      if (!this.#tokens.has(key)) this.#tokens.set(key, token);
    });
    this.#decoded = vocabulary.pieces.map(piece => {
      const byte = BYTE_PIECE.exec(latin1(piece));
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
    this.#merge(tokens);
    return [BOS_TOKEN, ...tokens];
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

  /** Joins adjacent tokens, always the pair whose joint piece has the highest score, the leftmost of equals. */
  #merge(tokens: number[]): void {
    const { pieces, scores } = this.vocabulary;
    // The joint token of (i, i + 1), or -1; only the two around a merge change.
    const joint = (i: number): number => {
      if (i < 0 || i + 1 >= tokens.length) return -1;
      return this.#tokens.get(latin1(pieces[tokens[i]!]!) + latin1(pieces[tokens[i + 1]!]!)) ?? -1;
    };
    const pairs = tokens.map((_, i) => joint(i));
    for (;;) {
      let best = -1;
      let bestScore = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < pairs.length; i++) {
        const token = pairs[i]!;
        if (token !== -1 && scores[token]! > bestScore) {
          best = i;
          bestScore = scores[token]!;
        }
      }
      if (best === -1) return;
      tokens.splice(best, 2, pairs[best]!);
      pairs.splice(best, 1);
      pairs[best] = joint(best);
      if (best > 0) pairs[best - 1] = joint(best - 1);
    }
  }

  #required(piece: string): number {
    const token = this.#tokens.get(piece);
    if (token === undefined) throw new UsageError(`the tokenizer has no token for ${JSON.stringify(piece)}`);
    return token;
  }

  #byteToken(byte: number): number {
    const token = FIRST_BYTE_TOKEN + byte;
    if (token >= this.vocabulary.pieces.length) {
      throw new UsageError(`the tokenizer has no token for byte 0x${byte.toString(16)}`, {
        next: 'use characters that it has',
      });
    }
    return token;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
