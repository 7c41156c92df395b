import type { Vocabulary } from '@npu-llama/format';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A token for a line of a report: its text in quotes where there is a vocabulary, and its number: `" dog" (3329)`. */
export function showToken(token: number, vocabulary: Vocabulary | undefined): string {
  const piece = vocabulary?.pieces[token];
  return piece === undefined ? `token ${token}` : `${showBytes(piece)} (${token})`;
}

/** Bytes as quoted text that cannot disturb a terminal: pieces come from a file, and need not be whole characters. */
function showBytes(bytes: Uint8Array): string {
  try {
    return showText(utf8.decode(bytes));
  } catch {
    return `bytes ${Buffer.from(bytes).toString('hex')}`;
  }
}

/** Text in quotes, with everything that does not print (control characters, direction marks) as an escape. */
export function showText(text: string): string {
  return JSON.stringify(text).replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, character =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

const lossyUtf8 = new TextDecoder('utf-8');

/** A token's piece as it stands in a text: `<0x0A>` is a line break; what is no whole character is U+FFFD. */
export function pieceText(piece: Uint8Array): string {
  const text = lossyUtf8.decode(piece);
  const byte = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1];
  return byte === undefined ? text : lossyUtf8.decode(Uint8Array.of(Number.parseInt(byte, 16)));
}
