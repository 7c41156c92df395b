const LINE_SPACE = { first: 0x09, last: 0x0d };
const DELETE = 0x7f;
/** U+0080 to U+009F in UTF-8: this byte, then one of 0x80 to 0x9f. Terminals take them for commands, as ESC. */
const C1_LEAD = 0xc2;

const isSpace = (byte: number): boolean => byte >= LINE_SPACE.first && byte <= LINE_SPACE.last;
const isControl = (byte: number): boolean => (byte < 0x20 && !isSpace(byte)) || byte === DELETE;
const isAscii = (byte: number): boolean => byte < 0x80;
const endsC1 = (byte: number): boolean => byte >= 0x80 && byte <= 0x9f;

/**
 * What run.c writes of the pieces of one text: a lone byte only if it is printable or white space, other pieces as they are.
 * Except that control characters are left out of those too: pieces come from a file that somebody sent, and an escape
 * sequence can rewrite what the terminal shows.
 */
export class PiecePrinter {
  /** Whether the last piece ended in a byte that the next one may complete to a control character. */
  #held = false;

  /** @returns the bytes to write now; a last byte 0xc2 waits for what follows it */
  print(piece: Uint8Array): Uint8Array {
    const [only] = piece;
    if (piece.length === 1 && only !== undefined && !isAscii(only)) return piece.subarray(0, 0);
    if (!this.#held && !piece.some(byte => isControl(byte) || byte === C1_LEAD)) return piece;
    const out: number[] = [];
    for (const byte of piece) {
      const held = this.#held;
      this.#held = false;
      if (held && endsC1(byte)) continue;
      if (held) out.push(C1_LEAD);
      if (byte === C1_LEAD) this.#held = true;
      else if (!isControl(byte)) out.push(byte);
    }
    return Uint8Array.from(out);
  }
}
