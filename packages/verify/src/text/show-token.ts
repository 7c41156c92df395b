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
