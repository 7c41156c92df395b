/** Text in quotes, with everything that does not print (control characters, direction marks) as an escape. */
export function showText(text: string): string {
  return JSON.stringify(text).replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, character =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A token's piece as it stands in a text: `<0x0A>` is a line break. Bytes that are no UTF-8 by themselves, part of a
 * character or worse, stay `<0xF0>`. Not fit for a terminal: pieces come from a file.
 */
export function pieceText(piece: Uint8Array): string {
  try {
    const text = utf8.decode(piece);
    const byte = /^<0x([0-7][0-9A-F])>$/.exec(text)?.[1];
    return byte === undefined ? text : String.fromCharCode(Number.parseInt(byte, 16));
  } catch {
    return Array.from(piece, byte => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('');
  }
}
