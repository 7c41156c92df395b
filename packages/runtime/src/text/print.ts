const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** What run.c writes of a piece: a lone byte only if it is printable or white space, other pieces as they are. */
export function printableBytes(piece: Uint8Array): Uint8Array {
  const [only] = piece;
  if (piece.length !== 1 || only === undefined) return piece;
  return isPrintable(only) || isSpace(only) ? piece : piece.subarray(0, 0);
}
