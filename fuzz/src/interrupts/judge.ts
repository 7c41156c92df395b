import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Ended } from './run-to-end.js';
import type { Subject } from './subject.js';
import { terminalProblem } from './terminal-state.js';

/** Where in a command's life a signal fell. */
export type Moment = 'before its handlers' | 'at work' | 'when it was through';

export interface Interruption {
  readonly subject: Subject;
  readonly folder: string;
  /** In the order they were sent; none where the process had ended before. */
  readonly signals: readonly NodeJS.Signals[];
  readonly ended: Ended;
  readonly clean: CleanRun;
}

/** An undisturbed run of the same. */
export interface CleanRun {
  readonly ended: Ended;
  readonly outputs: ReadonlyMap<string, Buffer>;
}

const TEMPORARY = /^\.(?<target>.+)\.\d+\.[0-9a-f]{8}\.tmp$/;
const numberOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** What a signal did that it should not; empty where all is well. */
export function judge(interruption: Interruption): string[] {
  const { subject, folder, signals, ended, clean } = interruption;
  const problems: string[] = [];
  const killed = signals.includes('SIGKILL');
  if (ended.hung) problems.push('it did not end');
  const interrupted = wasInterrupted(interruption);
  if (!interrupted && ended.status !== clean.ended.status) {
    problems.push(
      `status ${ended.status ?? ended.signal}, wanted one of ${signals.map(numberOf).join(', ')}`,
    );
  }
  const states = outputStates(interruption, problems);
  // Without handlers, before and after its work, a process dies by the signal; on a terminal both look the same.
  const mayBeThrough = ended.signal !== undefined || subject.onTerminal === true;
  const wanted = interrupted ? ['former', ...(mayBeThrough ? ['whole'] : [])] : ['whole'];
  for (const [name, state] of states) {
    if (!wanted.includes(state)) problems.push(`${name} is ${state}, wanted ${wanted.join(' or ')}`);
  }
  const known = Object.keys(subject.outputs);
  for (const name of readdirSync(folder).filter(entry => !known.includes(entry))) {
    const target = TEMPORARY.exec(name)?.groups?.['target'];
    if (!killed || !known.includes(target ?? '')) problems.push(`${name} was left behind`);
  }
  const output = ended.stdout + ended.stderr;
  if (/\n\s+at /.test(output)) problems.push(`a stack: ${output.slice(-600)}`);
  problems.push(...memoryProblems(output));
  const onTerminal =
    subject.onTerminal === true && !killed ? terminalProblem(withoutCounters(ended.stdout)) : undefined;
  if (onTerminal !== undefined) problems.push(onTerminal);
  return problems;
}

/** Whether its end is that of a signal. */
function wasInterrupted({ ended, signals }: Interruption): boolean {
  const { status, signal } = ended;
  return signals.some(sent => sent === signal || numberOf(sent) === status);
}

/**
 * Without a status of its own a process dies by a signal before it has handlers, and when it has none any more.
 * @param share of its life at which it was sent
 */
export function momentOf(interruption: Interruption, share: number): Moment {
  const { ended, signals } = interruption;
  if (!wasInterrupted(interruption)) return 'when it was through';
  // SIGKILL finds no handlers at any time.
  const byDefault = ended.signal !== undefined && signals.length < 2 && ended.signal !== 'SIGKILL';
  if (!byDefault) return 'at work';
  return share < 0.5 ? 'before its handlers' : 'when it was through';
}

function outputStates(
  { subject, folder, clean }: Interruption,
  problems: string[],
): [name: string, state: string][] {
  return Object.entries(subject.outputs).map(([name, former]) => {
    const bytes = readIfThere(join(folder, name));
    if (bytes?.toString() === former) return [name, 'former'];
    if (bytes === undefined) return [name, 'gone'];
    try {
      return [name, subject.isWhole(name, bytes, clean.outputs.get(name)!) ? 'whole' : 'not whole'];
    } catch (error) {
      problems.push(`${name}: ${String(error)}`);
      return [name, 'not whole'];
    }
  });
}

export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Device memory that was not given back before the process ended; nothing where no device was opened. */
function memoryProblems(output: string): string[] {
  return ['leaked_buffers', 'live_buffers', 'live_mappings', 'refusals'].flatMap(name => {
    const count = new RegExp(`^npu-sim: +${name} +(\\d+)\r?$`, 'm').exec(output)?.[1] ?? '0';
    return count === '0' ? [] : [`${name}: ${count}`];
  });
}

function withoutCounters(output: string): string {
  return output.replaceAll(/^npu-sim: .*\r?\n/gm, '');
}
