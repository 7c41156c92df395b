import type { CheckResult, CheckStatus, DoctorReport } from '../doctor/index.js';

export interface TextStyle {
  readonly colours: boolean;
  /** Columns to wrap at; undefined: not at all. */
  readonly width: number | undefined;
}

/** As the terminal that stdout is, if it is one, can. Honours NO_COLOR. */
export function terminalStyle(out: NodeJS.WriteStream): TextStyle {
  if (!out.isTTY) return { colours: false, width: undefined };
  return { colours: out.hasColors(), width: out.columns };
}

/** SGR codes: green, yellow, red, grey. */
const COLOURS: Readonly<Record<CheckStatus, number>> = { ok: 32, warning: 33, problem: 31, skipped: 90 };
const STATUS_COLUMNS = 9;
const TITLE_COLUMNS = 25;
const INDENT = 2 + STATUS_COLUMNS + TITLE_COLUMNS;
/** Text below that many columns is not wrapped into a column of its own. */
const NARROWEST = 24;

/** Writes the lines of a check as it is made, with a heading where a section begins. */
export class DoctorText {
  #section: string | undefined;
  /** Skipped for one and the same reason, in one section: shown as one line. */
  readonly #skipped: CheckResult[] = [];

  constructor(private readonly style: TextStyle) {}

  /** @returns lines, each with its end */
  lines(result: CheckResult): string {
    const [first] = this.#skipped;
    const same = first?.section === result.section && first.detail === result.detail;
    const before = result.status === 'skipped' && same ? '' : this.#skippedLines();
    if (result.status !== 'skipped') return before + this.#linesOf(result);
    this.#skipped.push(result);
    return before;
  }

  #skippedLines(): string {
    const [first, ...more] = this.#skipped.splice(0);
    if (first === undefined) return '';
    const title = more.length === 0 ? first.title : `${first.title} and ${more.length} more`;
    return this.#linesOf({ ...first, title });
  }

  #linesOf({ section, status, title, detail, next }: CheckResult): string {
    const heading = section === this.#section ? '' : `${this.#section === undefined ? '' : '\n'}${section}\n`;
    this.#section = section;
    const head = `  ${this.#coloured(status.padEnd(STATUS_COLUMNS), status)}${title.padEnd(TITLE_COLUMNS - 2)}  `;
    const [first = '', ...more] = this.#wrapped(detail);
    const advice = next === undefined ? [] : this.#wrapped(`-> ${next}`);
    const below = [...more, ...advice].map(line => `${' '.repeat(INDENT)}${line}\n`);
    return `${heading}${head}${first}\n${below.join('')}`;
  }

  /** The line below all. */
  summary({ counts, simulated }: DoctorReport): string {
    const parts = (['ok', 'warning', 'problem', 'skipped'] as const)
      .filter(status => counts[status] > 0)
      .map(status => this.#coloured(counted(counts[status], status), status));
    const what = simulated ? ' (a simulated device: nothing here is about silicon)' : '';
    return `${this.#skippedLines()}\n${parts.join(', ')}${what}\n`;
  }

  #coloured(text: string, status: CheckStatus): string {
    return this.style.colours ? `\u001b[${COLOURS[status]}m${text}\u001b[0m` : text;
  }

  #wrapped(text: string): string[] {
    const room = (this.style.width ?? Number.POSITIVE_INFINITY) - INDENT;
    if (room < NARROWEST || text.length <= room) return [text];
    const lines: string[] = [];
    for (const word of text.split(' ')) {
      const last = lines.at(-1);
      if (last === undefined || last.length + 1 + word.length > room) lines.push(word);
      else lines[lines.length - 1] = `${last} ${word}`;
    }
    return lines;
  }
}

function counted(count: number, status: CheckStatus): string {
  const plural = count === 1 || status === 'ok' || status === 'skipped' ? '' : 's';
  return `${count} ${status}${plural}`;
}
