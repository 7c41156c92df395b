import { STEP_FLOOR } from '../tolerances.js';
import type { ExactStep } from './exact-steps.js';

/** How a step's result compares with what it should be. */
export interface StepJudgement {
  /** Elements beyond the tolerance, ascending. */
  readonly wrong: readonly number[];
  /** Largest error as a part of its tolerance. */
  readonly worst: number;
}

/** Holds a step's result against the exact one, element by element. Where the exact one is not finite, neither need it be. */
export function judgeStep(
  got: ArrayLike<number>,
  { wanted, scale }: ExactStep,
  tolerance: number,
): StepJudgement {
  const wrong: number[] = [];
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = errorOf(got[i]!, wanted[i]!, scale[i]!, tolerance);
    if (error > worst) worst = error;
    if (error > 1) wrong.push(i);
  }
  return { wrong, worst };
}

export function stepMatches(got: ArrayLike<number>, step: ExactStep, tolerance: number): boolean {
  return judgeStep(got, step, tolerance).wrong.length === 0;
}

function errorOf(got: number, wanted: number, scale: number, tolerance: number): number {
  if (!Number.isFinite(wanted)) return Number.isFinite(got) ? Infinity : 0;
  const error = Math.abs(got - wanted) / (tolerance * scale + STEP_FLOOR);
  return Number.isNaN(error) ? Infinity : error;
}
