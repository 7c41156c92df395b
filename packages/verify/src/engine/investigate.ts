import { repeatRuns } from '../verify/index.js';
import type { Subject } from './subject.js';
import { type PromptTask, type VerifiedPrompt, verifyPrompt } from './verify-prompts.js';

/** How far to go: see InvestigationOptions of the command line. */
export interface InvestigationPlan {
  readonly audits: number;
  readonly diagnose: boolean;
  readonly matrices: readonly string[];
  readonly sweep: boolean;
  readonly repeats: number;
  readonly soakMs: number | undefined;
}

/** Compares prompts, repeats them, checks matrices, and looks for the place of what is wrong: all that is asked for. */
export async function investigate(
  subject: Subject,
  tasks: readonly PromptTask[],
  plan: InvestigationPlan,
): Promise<void> {
  const verified: VerifiedPrompt[] = [];
  for (const task of tasks) {
    subject.signal.throwIfAborted();
    verified.push(await verifyPrompt(subject, task, plan.audits));
  }
  subject.draft.matrices.push(...subject.tally.reports());
  if (plan.repeats > 1 || plan.soakMs !== undefined) await repeat(subject, verified, plan);
}

async function repeat(
  { npu, model, draft, watcher, signal }: Subject,
  verified: readonly VerifiedPrompt[],
  { repeats, soakMs }: InvestigationPlan,
): Promise<void> {
  const texts = verified.map(({ report, tokens }) => {
    return { number: report.number, tokens, promptTokens: report.promptTokens };
  });
  const stability = await repeatRuns({
    npu,
    vocabSize: model.config.vocabSize,
    texts,
    ...(repeats > 1 && { repeats }),
    ...(soakMs !== undefined && { soakMs }),
    signal,
    onText: (text, total) => watcher.stage(`repeating prompt ${text.number}`, total),
    onRun: (_, done) => watcher.update(done),
  });
  draft.stability.push({ run: 0, ...stability });
}
