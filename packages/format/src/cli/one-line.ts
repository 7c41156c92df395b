/**
 * Text as one line that is safe on a terminal: line breaks become spaces, and what would move the cursor, start an escape
 * sequence or turn the direction of writing is spelt `\u001b`. Messages quote names and values from files that somebody sent.
 */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\n\r\t]+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, character => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
}
