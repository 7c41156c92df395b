import type {
  Comparison,
  PositionReport,
  PromptReport,
  Summary,
  VerifyReport,
  YardstickFigures,
} from './schema.js';

export type Yardstick = 'fp32' | 'fp16';

/** What of a prompt is summed up; the perplexity is that of its own summary, where there is one yet. */
export type Summarised = Pick<PromptReport, 'number' | 'positions'> & {
  readonly summary?: Pick<Summary, 'perplexity'>;
};

/** Whether accuracy counts for a verdict, as in the report. */
export type VerdictOptions = Pick<VerifyReport, 'accuracyCounts'>;

/** fail where the prompt as a whole or any of its positions has a failure, or is inaccurate where that counts. */
export function promptVerdict(
  prompt: Pick<PromptReport, 'failures' | 'accuracy' | 'positions'>,
  { accuracyCounts }: VerdictOptions = { accuracyCounts: false },
): 'pass' | 'fail' {
  const fails = ({ failures, accuracy }: Pick<PositionReport, 'failures' | 'accuracy'>): boolean =>
    failures.length > 0 || (accuracyCounts && accuracy.length > 0);
  return fails(prompt) || prompt.positions.some(fails) ? 'fail' : 'pass';
}

/** error before fail before pass; pass for none. */
export function worstVerdict(verdicts: Iterable<'pass' | 'fail' | 'error'>): 'pass' | 'fail' | 'error' {
  const all = new Set(verdicts);
  if (all.has('error')) return 'error';
  return all.has('fail') ? 'fail' : 'pass';
}

/**
 * Sums up the positions of one prompt or of several: counts, extremes and where they are, means. What no position says
 * is left out.
 */
export function summarise(prompts: readonly Summarised[]): Summary {
  const positions = prompts.flatMap(prompt => prompt.positions);
  const fp32 = figuresOf(prompts, 'fp32');
  const fp16 = figuresOf(prompts, 'fp16');
  const cost = costOf(positions);
  const perplexity = perplexityOf(prompts);
  return {
    positions: positions.length,
    failing: positions.filter(({ failures }) => failures.length > 0).length,
    inaccurate: positions.filter(({ accuracy }) => accuracy.length > 0).length,
    ...(fp32 && { fp32 }),
    ...(fp16 && { fp16 }),
    ...(cost && { cost }),
    ...(perplexity && { perplexity }),
  };
}

/** Whether the token differs by more than this yardstick's tolerance. */
export function tokenDiffers(
  { failures, accuracy }: Pick<PositionReport, 'failures' | 'accuracy'>,
  yardstick: Yardstick,
): boolean {
  return [...failures, ...accuracy].some(
    failure => failure.kind === 'token' && failure.yardstick === yardstick,
  );
}

function figuresOf(prompts: readonly Summarised[], yardstick: Yardstick): YardstickFigures | undefined {
  const positions = prompts.flatMap(prompt => prompt.positions);
  const compared = positions.filter(position => position[yardstick] !== undefined);
  if (compared.length === 0) return undefined;
  const extremes = {
    largestDifference: extremeOf(prompts, yardstick, 'maxDifference', 1),
    worstKl: extremeOf(prompts, yardstick, 'klDivergence', 1),
    worstRelativeRms: extremeOf(prompts, yardstick, 'relativeRms', 1),
    leastCosine: extremeOf(prompts, yardstick, 'cosine', -1),
  };
  return {
    differing: compared.filter(position => tokenDiffers(position, yardstick)).length,
    tied: compared.filter(position => {
      const comparison = position[yardstick]!;
      return comparison.npuToken !== comparison.referenceToken && !tokenDiffers(position, yardstick);
    }).length,
    meanRelativeRms: mean(compared.map(position => position[yardstick]!.relativeRms)),
    ...Object.fromEntries(Object.entries(extremes).filter(([, extreme]) => extreme !== undefined)),
  };
}

/** The largest (sign 1) or least (sign -1) of a figure; the first of equals. */
function extremeOf(
  prompts: readonly Summarised[],
  yardstick: Yardstick,
  figure: keyof Pick<Comparison, 'maxDifference' | 'klDivergence' | 'relativeRms' | 'cosine'>,
  sign: 1 | -1,
): YardstickFigures['worstKl'] {
  let found: YardstickFigures['worstKl'];
  for (const { number, positions } of prompts) {
    for (const position of positions) {
      const value = position[yardstick]?.[figure];
      if (value === undefined) continue;
      if (found === undefined || sign * value > sign * found.value) {
        found = { value, prompt: number, position: position.position };
      }
    }
  }
  return found;
}

/** FP16 alone differs where the FP32 reference finds its choice worse than its own best at all. */
function costOf(positions: readonly PositionReport[]): Summary['cost'] {
  const costs = positions.flatMap(({ cost }) => (cost ? [cost] : []));
  if (costs.length === 0) return undefined;
  return {
    differing: costs.filter(({ margin }) => margin > 0).length,
    meanRelativeRms: mean(costs.map(({ relativeRms }) => relativeRms)),
    meanKl: mean(costs.map(({ klDivergence }) => klDivergence)),
  };
}

/**
 * Of all tokens together. A prompt weighs as many tokens as were judged by the position before: its last position, which
 * holds where only some positions are listed too.
 */
function perplexityOf(prompts: readonly Summarised[]): Summary['perplexity'] {
  const weighted = prompts.flatMap(({ positions, summary }) => {
    const tokens = positions.at(-1)?.position ?? 0;
    return summary?.perplexity === undefined || tokens === 0
      ? []
      : [{ tokens, perplexity: summary.perplexity }];
  });
  const together: NonNullable<Summary['perplexity']> = {};
  for (const side of ['fp32', 'fp16', 'npu'] as const) {
    const known = weighted.filter(({ perplexity }) => perplexity[side] !== undefined);
    if (known.length === 0) continue;
    const tokens = known.reduce((sum, each) => sum + each.tokens, 0);
    // Number: what is not finite may have come from a file, as text.
    const logs = known.map(each => each.tokens * Math.log(Number(each.perplexity[side])));
    together[side] = Math.exp(logs.reduce((sum, log) => sum + log, 0) / tokens);
  }
  return Object.keys(together).length === 0 ? undefined : together;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
