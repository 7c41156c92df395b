import type { Finding } from '../../../src/report/index.js';
import type { Fault } from './fault.js';
import type { Outcome } from './outcome.js';

export interface TriedFault {
  readonly fault: Fault;
  readonly outcome: Outcome;
  /** Of a run without the options that find it, where those are needed. */
  readonly plain?: Outcome;
}

/** Signs that say how it was found out, not what is there. */
const NOT_SHOWN = /^(DMA memory does|the file's|right for|largest change)/;

/** The tables of docs/verification.md. */
export function faultTables(tried: readonly TriedFault[]): string {
  const plain = tried.filter(({ fault }) => fault.onlyWith === undefined && fault.expected.by.length > 0);
  const further = tried.filter(({ fault }) => fault.onlyWith !== undefined);
  const harmless = tried.filter(({ fault }) => fault.expected.by.length === 0);
  const statuses = [1, 2, 3, 0].map(
    status => plain.filter(({ outcome }) => outcome.status === status).length,
  );
  return [
    `${plain.length} faults that a plain run catches: ${statuses[0]} end with status 1, ${statuses[1]} with 2, ` +
      `${statuses[2]} with 3, and ${statuses[3]} that is put right and told with 0.`,
    '',
    ...table(
      ['fault', 'put where', 'caught by', 'located at', 'in words'],
      plain.map(({ fault, outcome }) => [
        fault.name,
        fault.put,
        caughtBy(fault, outcome),
        located(outcome),
        inWords(outcome),
      ]),
    ),
    '',
    `${further.length} faults that pass a plain run, because they are too small or too rare for it, and what finds them:`,
    '',
    ...table(
      ['fault', 'put where', 'RMS error of the logits', 'found with', 'located at', 'in words'],
      further.map(({ fault, outcome, plain: passed }) => [
        fault.name,
        fault.put,
        passed?.effect ?? '',
        `\`${fault.onlyWith!.join(' ')}\``,
        located(outcome),
        inWords(outcome),
      ]),
    ),
    ...(harmless.length === 0
      ? []
      : [
          '',
          'Changed, and right all the same:',
          '',
          ...table(
            ['change', 'put where', 'RMS error of the logits'],
            harmless.map(({ fault, outcome }) => [fault.name, fault.put, outcome.effect]),
          ),
        ]),
  ].join('\n');
}

function caughtBy({ command }: Fault, { by }: Outcome): string {
  return `${command === 'check' ? 'golden check: ' : ''}${by.join(', ')}`;
}

function located({ findings }: Outcome): string {
  const [first, ...others] = findings;
  if (first === undefined) return '';
  const places = new Set(others.map(({ place }) => place));
  places.delete(first.place);
  const signs = signsOf(first);
  const more = places.size === 0 ? '' : ` and ${places.size} more`;
  return `\`${first.place}\`${more}${signs === '' ? '' : `: ${signs}`}`;
}

function signsOf({ common }: Finding): string {
  return common.filter(text => !NOT_SHOWN.test(text)).join('; ');
}

/** The error, or the first conclusion: without places and paths, and without what to do next. */
function inWords({ error, conclusions, findings }: Outcome): string {
  if (error !== undefined) {
    const [what] = error
      .replace(/^\S+\.npu: /, '')
      .replaceAll(/\S*\//g, '')
      .split(/: got |; /);
    return what!;
  }
  if (findings.length === 0) return '';
  return conclusions[0]!.replace(/^(.*\): |[^:]*: )/, '').split('; ')[0]!;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
