import { median, medianRatio } from './median.js';
import type { Beside, Figure, Goal, Measured } from './results.js';

/** A bound that the issue of a figure sets: `atMost(2.5)`. */
export type Bound = Pick<Goal, 'kind' | 'bound'>;

export const atMost = (bound: number): Bound => ({ kind: 'at most', bound });
export const atLeast = (bound: number): Bound => ({ kind: 'at least', bound });

export interface BesideOptions {
  readonly name: string;
  /** A sample a turn, in the turns of the figure; undefined where it could not be measured: then it is left out. */
  readonly samples: readonly number[] | undefined;
  readonly goal?: Bound;
}

export interface FigureOptions {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  readonly goal?: Bound;
  readonly beside?: readonly BesideOptions[];
  readonly note?: string;
}

/** A figure from its samples: medians, ratios turn by turn, goals held against them. */
export function figure(options: FigureOptions): Measured {
  const { id, name, unit, samples, goal, note } = options;
  const value = median(samples);
  return {
    id,
    name,
    unit,
    value,
    samples: [...samples],
    ...(goal && { goal: held(goal, value) }),
    beside: (options.beside ?? []).flatMap(other => beside(samples, other)),
    ...(note !== undefined && { note }),
  };
}

function beside(figureSamples: readonly number[], { name, samples, goal }: BesideOptions): Beside[] {
  if (samples === undefined) return [];
  const ratio = medianRatio(figureSamples, samples);
  return [
    { name, value: median(samples), samples: [...samples], ratio, ...(goal && { goal: held(goal, ratio) }) },
  ];
}

function held(goal: Bound, value: number): Goal {
  return { ...goal, reached: goal.kind === 'at most' ? value <= goal.bound : value >= goal.bound };
}

/** Goals are for the shape that they were set for: with any other model the figures stand alone. */
export function withoutGoals(one: Figure): Figure {
  if (!('value' in one)) return one;
  const { goal: _, beside: others, ...rest } = one;
  return { ...rest, beside: others.map(({ goal: __, ...other }) => other) };
}
