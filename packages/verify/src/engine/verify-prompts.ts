import type { LogitsTolerances } from '../compare/index.js';
import type { PromptReport } from '../report/index.js';
import { promptReport, promptReportLines } from '../report/index.js';
import type { Draw, LogitsSession, Prompt, PromptComparison } from '../verify/index.js';
import { Audit, type AuditResult } from './audit.js';
import { enter, type Subject } from './subject.js';

/** One prompt to be compared, by whatever means. */
export interface PromptTask {
  readonly prompt: Pick<Prompt, 'number' | 'name' | 'text' | 'mode' | 'sampling' | 'tokens'>;
  /** Positions at most. */
  readonly positionCount: number;
  compare(means: ComparisonMeans): Promise<PromptComparison>;
}

/** What a comparison is given. */
export interface ComparisonMeans {
  readonly npu: LogitsSession;
  /** Of free mode: how the runtime under test draws. */
  readonly npuDraw?: Draw;
  readonly tolerances: LogitsTolerances;
  readonly signal: AbortSignal;
  readonly onPosition: (positionsDone: number) => void;
  readonly onNpuLogits: (position: number, logits: Float32Array) => void;
}

/** A prompt's report, and the tokens that were tried, for whoever looks further into it. */
export interface VerifiedPrompt {
  readonly report: PromptReport;
  readonly tokens: readonly number[];
  /** How many of the tokens are the prompt's: they run in batches. */
  readonly promptTokens: number;
  readonly audit: AuditResult | undefined;
}

/**
 * Compares a prompt and audits some of its positions; adds what it finds to the report.
 * @param audits positions whose products are checked one by one
 */
export async function verifyPrompt(
  subject: Subject,
  task: PromptTask,
  audits: number,
): Promise<VerifiedPrompt> {
  const { npu, draft, watcher, signal, tolerances, vocabulary } = subject;
  const { prompt } = task;
  enter(subject, `prompt ${prompt.number}`, task.positionCount);
  const audit =
    audits > 0 && canLookInto(subject) ? new Audit(subject, auditedPositions(task, audits)) : undefined;
  const session = audit?.session ?? npu.createSession();
  try {
    const sampling = prompt.mode === 'free' ? prompt.sampling : undefined;
    const comparison = await task.compare({
      npu: session,
      ...(sampling && { npuDraw: npu.createSampler(sampling) }),
      tolerances,
      signal,
      onPosition: done => watcher.update(done),
      onNpuLogits: (position, logits) => audit?.keepLogits(position, logits),
    });
    if (audit !== undefined) enter(subject, `audit of prompt ${prompt.number}`, 1);
    const audited = await audit?.finish(comparison.attempted);
    const report = promptReport({
      prompt,
      comparison,
      tolerances,
      vocabulary,
      accuracyCounts: draft.accuracyCounts,
      ...(audited && { audit: audited }),
    });
    const { interrupted } = comparison;
    // What passed of a text that did not end is no pass of the text; what failed did fail.
    if (interrupted !== undefined && report.verdict === 'pass') throw interrupted;
    draft.prompts.push(report);
    draft.speed.positions += report.positions.length;
    for (const side of ['fp32', 'fp16', 'npu'] as const) draft.speed[side] += comparison.seconds[side];
    watcher.say(promptReportLines(report, draft));
    if (interrupted !== undefined) throw interrupted;
    const { attempted } = comparison;
    const promptTokens = Math.min(prompt.tokens.length, attempted.length);
    return { report, tokens: attempted, promptTokens, audit: audited };
  } finally {
    await session.close();
  }
}

/** A stand-in for an NPU may have no matrices to show. */
export function canLookInto({ npu }: Subject): boolean {
  return npu.matrices.length > 0;
}

/**
 * The prompt's last position (of a batch), the one after it (alone), then evenly spread to the middle, since a text may end
 * early; all there are where no fewer are asked for.
 */
function auditedPositions({ prompt, positionCount }: PromptTask, audits: number): Set<number> {
  if (audits >= positionCount) return new Set(Array(positionCount).keys());
  const last = prompt.tokens.length - 1;
  const middle = Math.floor((last + positionCount) / 2);
  const spread = Array.from({ length: Math.max(0, audits - 2) }, (_, i) =>
    Math.round(last + ((middle - last) * (i + 1)) / Math.max(1, audits - 2)),
  );
  const wanted = [last, last + 1, ...spread].slice(0, audits);
  return new Set(wanted.filter(position => position >= 0 && position < positionCount));
}
