import type { Sign } from '../signs/sign.js';
import { exactCopy, exactNorm } from './exact-steps.js';
import { judgeStep, type StepJudgement, stepMatches } from './judge-step.js';
import type { ResidualStream } from './stream.js';

export interface NormCheck {
  readonly stream: ResidualStream;
  /** [dim] f32 */
  readonly weight: Float32Array;
  /** Weights of other norms, and which. */
  readonly others: readonly { readonly text: string; readonly weight: Float32Array }[];
  /** [dim] f32: what went into the product after it. */
  readonly got: Float32Array;
  readonly tolerance: number;
}

/** What a step was found to be. */
export interface StepOutcome extends StepJudgement {
  readonly wanted: Float64Array;
  readonly scale: Float64Array;
  /** What it looks like instead. */
  readonly sign?: Sign;
}

/**
 * Checks the norm of the residual stream, and with it all that was added since the norm before. Where it is wrong the stream
 * goes on as what the result says it is.
 */
export function checkNorm(check: NormCheck): StepOutcome {
  const { stream, weight, got, tolerance } = check;
  const exact = exactNorm(stream.x, weight);
  const judgement = judgeStep(got, exact, tolerance);
  const outcome = { ...judgement, ...exact };
  if (judgement.wrong.length === 0) return outcome;
  return { ...outcome, sign: normSign(check) };
}

function normSign({ stream, weight, others, got, tolerance }: NormCheck): Sign {
  if (stepMatches(got, exactCopy(stream.x), tolerance)) {
    return { key: 'normMissing', text: 'the norm is left out: its input as it is' };
  }
  if (stepMatches(got, exactNorm(stream.x, undefined), tolerance)) {
    return { key: 'normMissing', text: "the norm's weights are left out" };
  }
  const other = others.find(candidate => stepMatches(got, exactNorm(stream.x, candidate.weight), tolerance));
  if (other !== undefined) return { key: 'normWeights', text: `made with the weights of ${other.text}` };
  for (const guess of stream.guesses) {
    if (!stepMatches(got, exactNorm(guess.x, weight), tolerance)) continue;
    stream.x = guess.x;
    return { key: guess.text.includes('embedding') ? 'embedding' : 'residual', text: guess.text };
  }
  stream.recover(got, weight);
  return { key: 'stepUnknown', text: 'like nothing known' };
}
