import {
  type Audit,
  auditRuns,
  diagnosePosition,
  type FileWeights,
  MatrixTally,
  Recorder,
  ReferenceInputs,
  type SignedFinding,
} from '../diagnose/index.js';
import { ReferenceOverflowError, ReferenceSession, type ReferenceWeights } from '../reference/index.js';
import type { Diagnosis } from '../report/schema.js';
import { refusalOf, runText } from '../verify/index.js';
import { enter, type Subject } from './subject.js';

/** Where something is wrong. */
export interface DiagnosisTarget {
  /** The prompt's number. */
  readonly prompt: number;
  /** Every token fed, and how many of them are the prompt's. */
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly position: number;
  /** The first position that failed in any way. */
  readonly failed: number;
  /** What an audit found when it failed. */
  readonly found: readonly SignedFinding[];
}

/** What a diagnosis needs beside the device. */
export interface DiagnosisMeans {
  /** The checkpoint's weights; without them matrices are fed what they had in the session, which takes no memory. */
  readonly reference: ReferenceWeights | undefined;
  readonly file: FileWeights;
}

/** Other positions that are looked at in the same run, to say whether a place is wrong at every one or at some. */
const OTHER_POSITIONS = 3;

/**
 * Looks for the place of a fault at one position: runs the text again, watched, and checks every product and step of some
 * positions from what went into it; then every matrix alone, fed what the reference feeds it, or where there is none what
 * it had in the session.
 */
export async function diagnose(
  subject: Subject,
  target: DiagnosisTarget,
  means: DiagnosisMeans,
): Promise<Diagnosis> {
  const { npu, truth, tolerances, signal, watcher } = subject;
  enter(subject, `diagnosis of position ${target.position}`, npu.matrices.length);
  const { recorder, audit } = await watchAgain(subject, target);
  const at = { ...target, position: firstWrong(target, audit) };
  return diagnosePosition({
    npu,
    weights: truth,
    file: means.file,
    inputs: means.reference
      ? await referenceInputs(at, means.reference, signal)
      : sessionInputs(at, recorder),
    recorder,
    audit,
    found: target.found,
    tolerance: tolerances.product,
    tally: subject.tally,
    prompt: target.prompt,
    signal,
    onProgress: done => watcher.update(done),
  });
}

/** Runs the text as far as it is needed, in the batches in which it failed. */
async function watchAgain(
  { npu, model, truth, tolerances, signal }: Subject,
  target: DiagnosisTarget,
): Promise<{ readonly recorder: Recorder; readonly audit: Audit }> {
  const positions = lookedAt(target);
  const recorder = new Recorder({
    config: model.config,
    matrices: model.matrices,
    audited: position => positions.has(position),
  });
  const logits = new Map<number, Float32Array>();
  const { vocabSize } = model.config;
  const session = npu.watch(recorder.onMatrix);
  try {
    const text = { tokens: target.tokens, promptTokens: target.promptTokens, until: Math.max(...positions) };
    await refused(
      runText(session, text, signal, (first, rows) => {
        for (const position of positions) {
          const at = (position - first) * vocabSize;
          if (at >= 0 && at + vocabSize <= rows.length) logits.set(position, rows.slice(at, at + vocabSize));
        }
      }),
    );
    const audit = await auditRuns({
      recorder,
      tokens: target.tokens,
      weights: truth,
      placed: npu.matrices,
      keyValues: session.keyValues,
      logits: position => logits.get(position),
      tolerances,
      tally: new MatrixTally(),
      signal,
    });
    return { recorder, audit };
  } finally {
    await session.close();
  }
}

/** Where what is looked for was seen before the position already, it is looked for there: what comes first explains the rest. */
function firstWrong({ position, failed }: DiagnosisTarget, audit: Audit): number {
  return failed < position && audit.positions.has(failed) ? failed : position;
}

/** The position, and others around it: where the text fails first, what comes next, the prompt's end and beginning. */
function lookedAt({ position, failed, promptTokens, tokens }: DiagnosisTarget): ReadonlySet<number> {
  const others = [failed, position + 1, promptTokens - 1, promptTokens, 0, Math.floor(position / 2)];
  const there = [...new Set(others)].filter(other => other !== position && other < tokens.length);
  return new Set([position, ...there.slice(0, OTHER_POSITIONS)]);
}

/** What the runtime refuses to go on with is what is looked for: until there it was recorded. */
async function refused(run: Promise<void>): Promise<void> {
  try {
    await run;
  } catch (error) {
    refusalOf(error);
  }
}

/** What a matrix cannot be fed again (a NaN, from the matrix before) is left out. */
function sessionInputs({ position }: DiagnosisTarget, recorder: Recorder): ReferenceInputs {
  const inputs = new ReferenceInputs(position);
  for (const { name } of recorder.matrices) {
    const input = recorder.row(name, position)?.input;
    if (input?.every(Number.isFinite)) inputs.onMatrix(name, position, input);
  }
  return inputs;
}

async function referenceInputs(
  { tokens, position }: DiagnosisTarget,
  weights: ReferenceWeights,
  signal: AbortSignal,
): Promise<ReferenceInputs> {
  const inputs = new ReferenceInputs(position);
  const session = new ReferenceSession(weights, position + 1, {
    arithmetic: 'fp16',
    onMatrix: inputs.onMatrix,
  });
  try {
    await session.forward(tokens.slice(0, position + 1), 0, { logits: 'last', signal });
  } catch (error) {
    // Matrices behind it have no input then, and the diagnosis says so.
    if (!(error instanceof ReferenceOverflowError)) throw error;
  }
  return inputs;
}
