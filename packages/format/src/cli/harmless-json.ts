/**
 * JSON text of the same value that is safe on a terminal: what JSON.stringify leaves as it is although it would start an escape
 * sequence (U+007F to U+009F), end a line or turn the direction of writing is spelt `\u009b`. Documents quote names and
 * texts from files that somebody sent. Outside of strings JSON has none of these characters.
 */
export function harmlessJson(json: string): string {
  return json.replaceAll(/[\u007f-\u009f\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A value as a document for standard output: JSON of several lines and a line's end, safe on a terminal. */
export function jsonDocument(value: object): string {
  return `${harmlessJson(JSON.stringify(value, null, 2))}\n`;
}
