import { meanRelativeRms, type PositionResult } from '../compare/index.js';
import type { PromptResult } from '../verify/index.js';

/** The extreme of a figure and where it is. */
export interface Extreme {
  readonly value: number;
  /** The prompt's number, from 1. */
  readonly prompt: number;
  readonly position: number;
}

/** What a number of positions amount to. Extremes and means are of those that could be compared. */
export interface Figures {
  readonly positions: number;
  /** Positions whose token differs by more than the tolerance. */
  readonly differing: number;
  /** Positions whose tokens differ by less: both are as good. */
  readonly tied: number;
  /** Positions that fail for any reason, the differing ones included. */
  readonly failing: number;
  readonly largestDifference: Extreme | undefined;
  readonly worstKl: Extreme | undefined;
  readonly worstRelativeRms: Extreme | undefined;
  readonly meanRelativeRms: number | undefined;
  readonly leastCosine: Extreme | undefined;
}

/** Sums up the positions of one prompt or of several. */
export function figuresOf(prompts: readonly PromptResult[]): Figures {
  const positions = prompts.flatMap(result => result.positions);
  const differs = ({ failures }: PositionResult): boolean => failures.some(({ kind }) => kind === 'token');
  return {
    positions: positions.length,
    differing: positions.filter(differs).length,
    tied: positions.filter(
      result => result.comparison && result.comparison.npuToken !== result.referenceToken && !differs(result),
    ).length,
    failing: positions.filter(({ failures }) => failures.length > 0).length,
    largestDifference: extreme(prompts, 'maxDifference', 1),
    worstKl: extreme(prompts, 'klDivergence', 1),
    worstRelativeRms: extreme(prompts, 'relativeRms', 1),
    meanRelativeRms: meanRelativeRms(positions),
    leastCosine: extreme(prompts, 'cosine', -1),
  };
}

/** The largest (sign 1) or least (sign -1) of a figure. */
function extreme(
  prompts: readonly PromptResult[],
  figure: 'maxDifference' | 'klDivergence' | 'relativeRms' | 'cosine',
  sign: 1 | -1,
): Extreme | undefined {
  let found: Extreme | undefined;
  for (const { prompt, positions } of prompts) {
    for (const { comparison, position } of positions) {
      if (comparison === undefined) continue;
      const value = comparison[figure];
      if (found === undefined || sign * value > sign * found.value) {
        found = { value, prompt: prompt.number, position };
      }
    }
  }
  return found;
}

/** Tokens a second of both models over all prompts. */
export function speedsOf(prompts: readonly PromptResult[]): { reference: number; npu: number } {
  const total = (of: (result: PromptResult) => number): number =>
    prompts.reduce((sum, result) => sum + of(result), 0);
  const positions = total(result => result.positions.length);
  return {
    reference: positions / total(result => result.referenceSeconds),
    npu: positions / total(result => result.npuSeconds),
  };
}
