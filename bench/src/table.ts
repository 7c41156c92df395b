import type { Figure, Goal, Section } from './results.js';
import { amountText, ratioText } from './units.js';

/** A line of the table: a figure, or one thing that it is held against. */
export interface TableRow {
  readonly figure: string;
  readonly value: string;
  readonly beside: string;
  readonly besideValue: string;
  readonly ratio: string;
  readonly goal: string;
}

export const TABLE_HEADINGS: TableRow = {
  figure: 'figure',
  value: 'value',
  beside: 'beside',
  besideValue: 'its value',
  ratio: 'ratio',
  goal: 'goal',
};

/** Lines of all figures of a section. */
export function tableRows({ figures }: Pick<Section, 'figures'>): TableRow[] {
  return figures.flatMap(rowsOf);
}

function rowsOf(figure: Figure): TableRow[] {
  const empty = { value: '', beside: '', besideValue: '', ratio: '', goal: '' };
  if ('notMeasured' in figure) {
    return [{ ...empty, figure: figure.name, beside: `not measured: ${figure.notMeasured}` }];
  }
  const { name, value, unit, goal, beside, note } = figure;
  const own = { ...empty, figure: name, value: amountText(value, unit) };
  const others = beside.map(other => ({
    beside: other.name,
    besideValue: amountText(other.value, unit),
    ratio: ratioText(other.ratio),
    goal: goalText(other.goal),
  }));
  // The figure's own goal, or note, has a line where the others have theirs.
  if (goal !== undefined || note !== undefined || others.length === 0) {
    others.unshift({ beside: note ?? '', besideValue: '', ratio: '', goal: goalText(goal) });
  }
  return others.map((other, i) => (i === 0 ? { ...own, ...other } : { ...empty, figure: '', ...other }));
}

function goalText(goal: Goal | undefined): string {
  if (goal === undefined) return '';
  return `${goal.kind} ${goal.bound}: ${goal.reached ? 'reached' : 'missed'}`;
}

/** The table as text, columns aligned. */
export function formatTable(rows: readonly TableRow[]): string {
  const columns = Object.keys(TABLE_HEADINGS) as (keyof TableRow)[];
  const all = [TABLE_HEADINGS, ...rows];
  const widths = columns.map(column => Math.max(...all.map(row => row[column].length)));
  const line = (row: TableRow): string =>
    columns
      .map((column, i) =>
        RIGHT.has(column) ? row[column].padStart(widths[i]!) : row[column].padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

const RIGHT: ReadonlySet<keyof TableRow> = new Set(['value', 'besideValue', 'ratio'] as const);

/** The table in Markdown. */
export function markdownTable(rows: readonly TableRow[]): string {
  const columns = Object.keys(TABLE_HEADINGS) as (keyof TableRow)[];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(column => TABLE_HEADINGS[column])),
    line(columns.map(column => (RIGHT.has(column) ? '---:' : '---'))),
    ...rows.map(row => line(columns.map(column => row[column].replaceAll('|', '\\|')))),
  ].join('\n');
}
