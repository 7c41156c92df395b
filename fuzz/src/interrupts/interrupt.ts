import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomSequence } from '@npu-llama/fixtures';
import type { Inputs } from './inputs.js';
import { type CleanRun, judge, type Moment, momentOf, readIfThere } from './judge.js';
import { type Ended, type RunOptions, runToEnd } from './run-to-end.js';
import type { Subject } from './subject.js';

export interface InterruptOptions {
  readonly subject: Subject;
  readonly inputs: Inputs;
  /** For the runs' own folders. */
  readonly folder: string;
  readonly count: number;
  readonly seed: number;
  /** interrupt: SIGINT, SIGTERM, SIGHUP, now and then a second one right behind. kill: SIGKILL. */
  readonly how: 'interrupt' | 'kill';
}

export interface InterruptResult {
  readonly subject: string;
  readonly sent: number;
  readonly moments: Readonly<Record<Moment, number>>;
  /** How many got a second signal. */
  readonly twice: number;
  /** Of an undisturbed run. */
  readonly lifeMs: number;
  readonly findings: readonly string[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LONGEST_GAP_MS = 40;
/** Every so many runs get a second signal. */
const TWICE_EVERY = 4;
/** A signal that came too late is sent again, sooner: lives differ where others use the machine. */
const MOST_ATTEMPTS = 4;

/**
 * Runs a command undisturbed, then `count` times with signals that are spread over all of its life: one at a random time of each
 * of `count` equal parts of it.
 */
export async function interrupt(options: InterruptOptions): Promise<InterruptResult> {
  const { subject, count, seed, how } = options;
  const random = randomSequence(seed, `${subject.name}/${how}`);
  const clean = await cleanRun(options);
  let lifeMs = clean.ended.milliseconds;
  const moments = { 'before its handlers': 0, 'at work': 0, 'when it was through': 0 };
  const findings: string[] = [];
  let twice = 0;
  let sent = 0;
  for (let run = 0; run < count; run++) {
    const share = (run + random()) / count;
    const plan = signalsOf(options, run, random());
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const { folder, signals, ended } = await interruptedRun(options, plan, share * lifeMs);
      const interruption = { subject, folder, signals, ended, clean };
      const problems = judge(interruption);
      if (problems.length > 0) {
        findings.push(
          `${signals.join(', ')} after ${(share * lifeMs).toFixed(0)} ms: ${problems.join('; ')}`,
        );
      }
      rmSync(folder, { recursive: true });
      if (signals.length === 0) {
        // Too late: it has just shown how long it lives.
        lifeMs = ended.milliseconds;
        continue;
      }
      sent++;
      moments[momentOf(interruption, share)]++;
      if (signals.length > 1) twice++;
      break;
    }
  }
  return { subject: subject.name, sent, moments, twice, lifeMs, findings };
}

interface Planned {
  readonly signal: NodeJS.Signals;
  /** Behind the first. */
  readonly gapMs: number;
}

function signalsOf({ how }: InterruptOptions, run: number, random: number): Planned[] {
  if (how === 'kill') return [{ signal: 'SIGKILL', gapMs: 0 }];
  const signal = SIGNALS[run % SIGNALS.length]!;
  const first = { signal, gapMs: 0 };
  if (run % TWICE_EVERY !== TWICE_EVERY - 1) return [first];
  return [first, { signal: signal === 'SIGTERM' ? 'SIGINT' : 'SIGTERM', gapMs: random * LONGEST_GAP_MS }];
}

async function cleanRun(options: InterruptOptions): Promise<CleanRun> {
  const { subject } = options;
  const folder = prepare(options);
  const ended = await start(options, folder, { typed: subject.typed });
  if (ended.status !== 0)
    throw new Error(`${subject.name}: status ${ended.status}: ${ended.stdout}${ended.stderr}`);
  const outputs = Object.keys(subject.outputs).map(name => [name, readIfThere(join(folder, name))!] as const);
  rmSync(folder, { recursive: true });
  return { ended, outputs: new Map(outputs) };
}

/** @returns with the signals that reached it; the folder is to be looked at and removed */
async function interruptedRun(
  options: InterruptOptions,
  plan: readonly Planned[],
  afterMs: number,
): Promise<{ folder: string; signals: NodeJS.Signals[]; ended: Ended }> {
  const folder = prepare(options);
  const signals: NodeJS.Signals[] = [];
  const timers: NodeJS.Timeout[] = [];
  const { typed } = options.subject;
  const ended = await start(options, folder, {
    typed,
    staysOpen: typed !== undefined,
    onStart: pid => {
      for (const { signal, gapMs } of plan) {
        const send = (): void => {
          if (isSent(pid, signal)) signals.push(signal);
        };
        timers.push(setTimeout(send, afterMs + gapMs));
      }
    },
  });
  for (const timer of timers) clearTimeout(timer);
  return { folder, signals, ended };
}

function isSent(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended.
    return false;
  }
}

/** A folder of its own for a run, with what is there before. */
function prepare({ folder: parent, subject }: InterruptOptions): string {
  const folder = mkdtempSync(join(parent, 'run-'));
  for (const [name, former] of Object.entries(subject.outputs)) {
    if (former !== undefined) writeFileSync(join(folder, name), former);
  }
  return folder;
}

async function start(
  { subject, inputs, folder: parent }: InterruptOptions,
  folder: string,
  run: RunOptions,
): Promise<Ended> {
  const terminalIn = subject.onTerminal === true ? join(parent, 'terminal') : undefined;
  if (terminalIn !== undefined) mkdirSync(terminalIn, { recursive: true });
  const args = subject.command(inputs, name => join(folder, name));
  return runToEnd(args, { ...run, terminalIn });
}
