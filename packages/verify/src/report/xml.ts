/**
 * Writing XML takes these 40 lines; what libraries add is a document tree, and they pass characters that XML 1.0 forbids
 * even as references (a token can be any byte), which no reader takes.
 */

/** An element: name, attributes (undefined: left out), and text or elements inside. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly content: string | readonly XmlElement[];
}

/** Everything but tab, newline, carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD and beyond the first plane. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // As they are, a reader would turn them into spaces in an attribute, and a carriage return into a newline in text.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** The element as a whole document. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${elementText(root, '')}`;
}

function elementText({ name, attributes, content }: XmlElement, indent: string): string {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escaped(String(value), /[&<>"\t\n\r]/g)}"`],
  );
  const start = `${indent}<${name}${given.join('')}`;
  if (content.length === 0) return `${start}/>\n`;
  const inside =
    typeof content === 'string'
      ? escaped(content, /[&<>\r]/g)
      : `\n${content.map(child => elementText(child, `${indent}  `)).join('')}${indent}`;
  return `${start}>${inside}</${name}>\n`;
}

/** What XML cannot hold is written as it is in JSON: `\u0007`. */
function escaped(text: string, special: RegExp): string {
  return text
    .replaceAll(FORBIDDEN, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(special, character => REFERENCES[character]!);
}
