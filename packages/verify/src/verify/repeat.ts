import type { Stability } from '../report/schema.js';
import type { LogitsModel } from './logits-source.js';
import { runText } from './run-text.js';

/** Listed at most: a device that never repeats itself would fill the report. */
const MAX_LISTED = 100;
/** A text that is run again and again. */
export interface RepeatedText {
  readonly number: number;
  /** Every token, and how many of them are the prompt's: those go in batches, the rest one by one. */
  readonly tokens: readonly number[];
  readonly promptTokens: number;
}

export interface RepeatOptions {
  readonly npu: LogitsModel;
  readonly vocabSize: number;
  readonly texts: readonly RepeatedText[];
  /** Runs of each text, at least 2; with `soakMs` as many as fit, but at least 2. */
  readonly repeats?: number;
  /** Time to spend, shared evenly among the texts. */
  readonly soakMs?: number;
  readonly signal?: AbortSignal;
  /** Called before a text's first run, with how much is to come: runs, or milliseconds of a soak. */
  readonly onText?: (text: RepeatedText, total: number) => void;
  /** Called after each run of a text: how much of that is done. */
  readonly onRun?: (text: RepeatedText, done: number) => void;
  /** Told of the result: also when the device fails after hours of it, if something was found by then. */
  readonly onEnd?: (stability: Omit<Stability, 'run'>) => void;
}

/**
 * Runs texts several times and compares every logit bit by bit with the first run: a device that computes the same
 * programs on the same numbers has no reason to answer differently.
 */
export async function repeatRuns(options: RepeatOptions): Promise<Omit<Stability, 'run'>> {
  const { texts, soakMs } = options;
  const start = performance.now();
  const found = new Findings();
  let repeats: number | undefined;
  const result = (): Omit<Stability, 'run'> => ({
    // Of a text that did not end, what differed differed between two.
    repeats: repeats ?? (texts.length === 0 ? 0 : 2),
    seconds: (performance.now() - start) / 1000,
    identical: found.positions.size === 0,
    unstable: found.listed,
    unstablePositions: found.positions.size,
  });
  try {
    for (const [i, text] of texts.entries()) {
      const deadline = soakMs === undefined ? undefined : start + (soakMs * (i + 1)) / texts.length;
      options.onText?.(text, deadline === undefined ? (options.repeats ?? 2) : deadline - performance.now());
      const runs = await repeatText(options, text, deadline, found);
      repeats = Math.min(repeats ?? runs, runs);
    }
  } catch (error) {
    if (found.positions.size > 0) options.onEnd?.(result());
    throw error;
  }
  options.onEnd?.(result());
  return result();
}

class Findings {
  readonly listed: Stability['unstable'] = [];
  readonly positions = new Set<string>();

  add(entry: Stability['unstable'][number]): void {
    this.positions.add(`${entry.prompt}:${entry.position}`);
    if (this.listed.length < MAX_LISTED) this.listed.push(entry);
  }
}

/** @returns how often the text ran */
async function repeatText(
  { npu, vocabSize, repeats = 2, signal, onRun }: RepeatOptions,
  text: RepeatedText,
  deadline: number | undefined,
  found: Findings,
): Promise<number> {
  /** What each call gave in the first run, by its first position. */
  const first = new Map<number, Float32Array>();
  const more = (runs: number): boolean =>
    runs < 2 || (deadline === undefined ? runs < repeats : performance.now() < deadline);
  const start = performance.now();
  let runs = 0;
  while (more(runs)) {
    const run = runs + 1;
    await runSession(npu, text, signal, (position, logits) => {
      const expected = first.get(position);
      if (expected === undefined) first.set(position, logits.slice());
      else {
        for (const entry of differences(expected, logits, vocabSize)) {
          found.add({ prompt: text.number, run, ...entry, position: position + entry.position });
        }
      }
    });
    runs = run;
    onRun?.(text, deadline === undefined ? runs : performance.now() - start);
  }
  return runs;
}

/** Positions of a batch whose logits are not the same bits; one that only one of the two has is NaN in the other. */
function* differences(expected: Float32Array, got: Float32Array, vocabSize: number) {
  const wanted = bitsOf(expected);
  const bits = bitsOf(got);
  const length = Math.max(wanted.length, bits.length);
  for (let position = 0; position * vocabSize < length; position++) {
    let outputs = 0;
    let firstToken = 0;
    for (let token = vocabSize - 1; token >= 0; token--) {
      const i = position * vocabSize + token;
      if (bits[i] === wanted[i]) continue;
      outputs++;
      firstToken = token;
    }
    if (outputs === 0) continue;
    const i = position * vocabSize + firstToken;
    yield { position, outputs, firstToken, first: expected[i] ?? Number.NaN, other: got[i] ?? Number.NaN };
  }
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

async function runSession(
  npu: LogitsModel,
  text: RepeatedText,
  signal: AbortSignal | undefined,
  onLogits: (firstPosition: number, logits: Float32Array) => void,
): Promise<void> {
  const session = npu.createSession();
  try {
    await runText(session, text, signal, onLogits);
  } finally {
    await session.close();
  }
}
