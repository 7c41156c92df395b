import { BOS_TOKEN, FIRST_BYTE_TOKEN, UsageError, type Vocabulary } from '@npu-llama/format';

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
    for (let at = this.#bestPair(tokens); at !== undefined; at = this.#bestPair(tokens)) {
      tokens.splice(at, 2, this.#merged(tokens, at)!);
    }
    return tokens;
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

  /** Where the pair begins whose merger has the highest score, the leftmost of equals. */
  #bestPair(tokens: readonly number[]): number | undefined {
    let best: number | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const token = this.#merged(tokens, i);
      if (token === undefined) continue;
      const score = this.#vocabulary.scores[token]!;
      if (best === undefined || score > bestScore) {
        best = i;
        bestScore = score;
      }
    }
    return best;
  }

  /** The token of two neighbours' bytes together. */
  #merged(tokens: readonly number[], at: number): number | undefined {
    const { pieces } = this.#vocabulary;
    return this.#tokens.get(bytesKey(pieces[tokens[at]!]!) + bytesKey(pieces[tokens[at + 1]!]!));
  }
}

function bytesKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
