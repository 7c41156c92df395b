import type { Vocabulary } from '@npu-llama/format';
import { judgePrompt, type LogitsTolerances } from '../compare/index.js';
import { pieceText } from '../text/index.js';
import type { Prompt, PromptComparison } from '../verify/index.js';
import type { Failure, PositionReport, PromptReport } from './schema.js';
import { promptVerdict, summarise } from './summary.js';

export interface PromptReportParts {
  readonly prompt: Pick<Prompt, 'number' | 'name' | 'text' | 'mode' | 'sampling'> & {
    readonly tokens: readonly unknown[];
  };
  readonly comparison: PromptComparison;
  readonly tolerances: LogitsTolerances;
  /** To show tokens with. */
  readonly vocabulary: Vocabulary | undefined;
  /** Whether what FP16 costs counts for the verdict. */
  readonly accuracyCounts: boolean;
  /** Positions whose products were checked one by one, and what was wrong at them. */
  readonly audit?: { readonly audited: readonly number[]; readonly failures: ReadonlyMap<number, Failure> };
}

/** A prompt's part of the report, of run 0. */
export function promptReport(parts: PromptReportParts): PromptReport {
  const { prompt, comparison, tolerances, vocabulary } = parts;
  const { fork, tokens } = comparison;
  const positions = comparison.positions.map(position => audited(position, parts.audit));
  const judged = judgePrompt(positions, tolerances);
  const failures = [...comparison.failures, ...judged.failures];
  const perplexity = Object.fromEntries(
    Object.entries(comparison.perplexity).filter(([, value]) => value !== undefined),
  );
  const summary = summarise([{ number: prompt.number, positions, summary: { perplexity } }]);
  return {
    run: 0,
    number: prompt.number,
    name: prompt.name,
    mode: prompt.mode,
    text: prompt.text,
    ...(prompt.sampling && { sampling: { ...prompt.sampling, seed: String(prompt.sampling.seed) } }),
    verdict: promptVerdict({ failures, accuracy: judged.accuracy, positions }, parts),
    seconds: comparison.seconds.fp32 + comparison.seconds.fp16 + comparison.seconds.npu,
    promptTokens: Math.min(prompt.tokens.length, tokens.length),
    failures,
    accuracy: judged.accuracy,
    summary,
    positions,
    ...(prompt.mode === 'free' && { commonTokens: tokens.length, ...(fork && { fork }) }),
    pieces: piecesOf({ comparison, positions, vocabulary }),
  };
}

function audited(position: PositionReport, audit: PromptReportParts['audit']): PositionReport {
  if (!audit?.audited.includes(position.position)) return position;
  const failure = audit.failures.get(position.position);
  const failures = failure === undefined ? position.failures : [...position.failures, failure];
  return { ...position, audited: true, failures };
}

/** The text of every token that the report names. */
function piecesOf({
  comparison: { tokens, fork },
  positions,
  vocabulary,
}: Pick<PromptReportParts, 'comparison' | 'vocabulary'> & Pick<PromptReport, 'positions'>) {
  if (vocabulary === undefined) return {};
  const named = new Set<number>(tokens);
  for (const { referenceToken, fp32, fp16 } of positions) {
    for (const token of [referenceToken, fp32?.npuToken, fp16?.npuToken, fp16?.referenceToken]) {
      if (token !== undefined) named.add(token);
    }
  }
  if (fork !== undefined) named.add(fork.reference.token).add(fork.npu.token);
  const ascending = [...named].sort((a, b) => a - b);
  return Object.fromEntries(
    ascending.flatMap(token => {
      const piece = vocabulary.pieces[token];
      return piece === undefined ? [] : [[String(token), pieceText(piece)] as const];
    }),
  );
}
