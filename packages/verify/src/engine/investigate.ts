import { conclude as concludeFindings, type SignedFinding, sweep } from '../diagnose/index.js';
import type { PositionReport, PromptReport, Stability } from '../report/schema.js';
import { repeatRuns } from '../verify/index.js';
import { type DiagnosisMeans, type DiagnosisTarget, diagnose } from './diagnose.js';
import { enter, type Subject } from './subject.js';
import { canLookInto, type PromptTask, type VerifiedPrompt, verifyPrompt } from './verify-prompts.js';

/** How far to go. */
export interface InvestigationPlan {
  /** Positions a prompt whose products are checked one by one. */
  readonly audits: number;
  /** Whether to look for the place of a fault even when there seems to be none. */
  readonly diagnose: boolean;
  /** Matrices to check alone. */
  readonly matrices: readonly string[];
  /** Whether to check every matrix with random inputs. */
  readonly sweep: boolean;
  /** Runs of each prompt; 1 is no repetition. */
  readonly repeats: number;
  readonly soakMs: number | undefined;
}

/**
 * Compares prompts, repeats them, checks matrices, and looks for the place of what is wrong: all that is asked for. What is
 * found out is in the draft, also when a device fails half-way.
 */
export async function investigate(
  subject: Subject,
  tasks: readonly PromptTask[],
  plan: InvestigationPlan,
  means: DiagnosisMeans,
): Promise<void> {
  const { draft, tally, signal } = subject;
  const verified: VerifiedPrompt[] = [];
  try {
    for (const task of tasks) {
      signal.throwIfAborted();
      verified.push(await verifyPrompt(subject, task, plan.audits));
    }
    noteAccuracy(subject, verified);
    if (plan.repeats > 1 || plan.soakMs !== undefined) await repeat(subject, verified, plan);
    if (plan.sweep || plan.matrices.length > 0) await checkMatrices(subject, plan, means);
    const target = targetOf(verified, draft.stability, plan.diagnose);
    if (target !== undefined && canLookInto(subject))
      draft.diagnoses.push(await diagnose(subject, target, means));
  } finally {
    draft.matrices.push(...tally.reports());
  }
}

/** Says where FP16 costs more than it should, unless that counts as a failure anyway. */
function noteAccuracy({ draft }: Subject, verified: readonly VerifiedPrompt[]): void {
  const positions = verified.flatMap(({ report }) => report.positions);
  // Where the device is wrong, it is the device that is far from FP32.
  const inaccurate = positions.filter(
    ({ accuracy, failures }) => accuracy.length > 0 && failures.length === 0,
  );
  if (inaccurate.length === 0 || draft.accuracyCounts) return;
  draft.note(
    'accuracy',
    `FP16 costs more than the fp32 tolerances at ${inaccurate.length} of ${positions.length} positions, whatever the device`,
  );
}

/**
 * The first position that an audit found wrong, else that fails, of the first prompt that does; without one the last of the
 * first, if it is asked for.
 */
function targetOf(
  verified: readonly VerifiedPrompt[],
  stability: readonly Stability[],
  always: boolean,
): DiagnosisTarget | undefined {
  const unstable = stability.flatMap(({ unstable: outputs }) => outputs)[0];
  const failing = verified.find(({ report }) => report.verdict === 'fail' && hasPlace(report));
  const unsteady = verified.find(({ report }) => report.number === unstable?.prompt);
  const chosen = failing ?? unsteady ?? (always ? verified[0] : undefined);
  if (chosen === undefined || chosen.tokens.length === 0) return undefined;
  const { report, tokens, promptTokens, audit } = chosen;
  const last = tokens.length - 1;
  const failed = report.positions.filter(({ failures }) => failures.length > 0);
  // Where an audit has seen it, it can be seen again even if no product is wrong alone.
  const seen = failed.find(({ failures }) => failures.some(({ kind }) => kind === 'audit'));
  const first = (seen ?? failed[0])?.position;
  const worst = chosen === failing ? (first ?? worstPosition(report) ?? last) : undefined;
  const position = worst ?? (chosen === unsteady ? unstable!.position : last);
  return {
    prompt: report.number,
    tokens,
    promptTokens,
    position: Math.min(position, last),
    failed: failed[0]?.position ?? Math.min(position, last),
    found: audit?.findings ?? [],
  };
}

/** What FP16 costs has no place on the device, nor has a sampler that draws what it should not. */
function hasPlace({ positions, failures }: PromptReport): boolean {
  const all = [...failures, ...positions.flatMap(position => position.failures)];
  return all.some(({ kind }) => kind !== 'sampler');
}

/** Where a prompt that fails as a whole is furthest off; undefined where the runtime gave up behind what was compared. */
function worstPosition({ positions, failures }: PromptReport): number | undefined {
  if (failures.some(({ kind }) => kind === 'refused')) return undefined;
  const off = (position: PositionReport): number => position.fp16?.relativeRms ?? 0;
  return positions.reduce((a, b) => (off(b) > off(a) ? b : a)).position;
}

/** Matrices without a text. */
async function checkMatrices(
  subject: Subject,
  plan: InvestigationPlan,
  { file }: DiagnosisMeans,
): Promise<void> {
  const { npu, truth, tolerances, tally, draft, watcher, signal } = subject;
  const count = plan.sweep ? truth.matrices.length : plan.matrices.length;
  enter(subject, 'checking matrices', count);
  const findings: SignedFinding[] = [];
  try {
    await sweep({
      npu,
      weights: truth,
      file,
      ...(!plan.sweep && { matrices: plan.matrices }),
      tolerance: tolerances.product,
      tally,
      signal,
      onFindings: found => findings.push(...found),
      onProgress: done => watcher.update(done),
    });
  } finally {
    if (findings.length > 0) {
      draft.diagnoses.push({
        run: 0,
        findings: findings.map(({ finding }) => finding),
        conclusions: concludeFindings(findings, count),
      });
    }
  }
}

async function repeat(
  subject: Subject,
  verified: readonly VerifiedPrompt[],
  { repeats, soakMs }: InvestigationPlan,
): Promise<void> {
  const { npu, model, draft, watcher, signal } = subject;
  const texts = verified.map(({ report, tokens }) => {
    return { number: report.number, tokens, promptTokens: report.promptTokens };
  });
  await repeatRuns({
    npu,
    vocabSize: model.config.vocabSize,
    texts,
    ...(repeats > 1 && { repeats }),
    ...(soakMs !== undefined && { soakMs }),
    signal,
    onText: (text, total) => enter(subject, `repeating prompt ${text.number}`, total),
    onRun: (_, done) => watcher.update(done),
    onEnd: stability => draft.stability.push({ run: 0, ...stability }),
  });
}
