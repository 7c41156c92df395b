import { printable } from '../words.js';

/** HTML that is safe to be put into a page: made by `html` alone, so that every text in it has been escaped. */
export class Markup {
  /** @internal Use `html`. */
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** What can stand in a template: text is escaped, markup is not, lists are joined, what is not there is left out. */
export type Insertable = Markup | string | number | undefined | false | readonly Insertable[];

/**
 * A template of HTML. Everything inserted is escaped unless it is Markup itself, so a report cannot bring its own. It may
 * stand in text and in quoted attributes; not in scripts, styles, or unquoted attributes.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Insertable[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + rendered(values[i - 1]) + string));
}

/** Our own text that is no template: the style sheet, a plot that was serialized. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function rendered(value: Insertable): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(rendered).join('');
  return escapeHtml(String(value));
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Newlines stay, for text that is preformatted. Every other character that does not print is shown as an escape: controls
 * are errors in HTML, and marks of direction would reorder what stands around them.
 */
function escapeHtml(text: string): string {
  return text
    .split('\n')
    .map(line => printable(line))
    .join('\n')
    .replaceAll(/[&<>"']/g, character => REFERENCES[character]!);
}
