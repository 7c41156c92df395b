import { BOS_TOKEN, FIRST_BYTE_TOKEN, UsageError, type Vocabulary } from '@npu-llama/format';
import { atOnce, inTurns } from './in-turns.js';
import { mergePairs } from './merge.js';
import { type TokenTable, tokenTable } from './token-table.js';

/** Encodes and decodes as llama2.c does. Pieces are bytes; here they are keys as latin1 strings, one character a byte. */
export class Tokenizer {
  readonly vocabulary: Vocabulary;
  readonly #tokens: TokenTable['tokens'];
  readonly #decoded: readonly Uint8Array[];
  /** Bytes of the longest piece. */
  readonly #longest: number;

  /** @param table of the vocabulary, where it was made before */
  constructor(vocabulary: Vocabulary, table: TokenTable = atOnce(tokenTable(vocabulary))) {
    this.vocabulary = vocabulary;
    this.#tokens = table.tokens;
    this.#decoded = table.decoded;
    this.#longest = vocabulary.pieces.reduce((most, { length }) => Math.max(most, length), 0);
  }

  /**
   * A tokenizer, made in turns of some milliseconds: others of the thread get theirs in between.
   * @param pause between two of them; what it throws ends the work
   */
  static async inTurns(vocabulary: Vocabulary, pause?: () => Promise<void>): Promise<Tokenizer> {
    return new Tokenizer(vocabulary, await inTurns(tokenTable(vocabulary), pause));
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
    const joint = once(this.#decoded.length, (left, right) => this.#joint(left, right));
    const merged = mergePairs(tokens, joint, this.vocabulary.scores);
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
    const first = pieces[left]!;
    const second = pieces[right]!;
    if (first.length + second.length > this.#longest) return undefined;
    return this.#tokens.get(latin1(first) + latin1(second));
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

const NONE = -1;

/**
 * `joint` that is asked for each pair of tokens only once: where pieces have thousands of bytes, as in a file that somebody
 * sent, each question costs as much.
 */
function once(
  tokenCount: number,
  joint: (left: number, right: number) => number | undefined,
): (left: number, right: number) => number | undefined {
  const known = new Map<number, number>();
  return (left, right) => {
    const pair = left * tokenCount + right;
    let token = known.get(pair);
    if (token === undefined) {
      token = joint(left, right) ?? NONE;
      known.set(pair, token);
    }
    return token === NONE ? undefined : token;
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
