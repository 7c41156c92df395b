import { reportFigure, reportRanges, type SignedFinding } from '../finding.js';
import { distinct, rangesText } from '../signs/ranges.js';
import type { Sign } from '../signs/sign.js';
import { STEP_FLOOR } from '../tolerances.js';
import type { StepOutcome } from './check-norm.js';

/** A step's outcome at one position. */
export interface StepAt {
  readonly position: number;
  readonly outcome: StepOutcome;
  /** What it gave. */
  readonly got: ArrayLike<number>;
}

/** What a step has come to over all positions audited: undefined where it is right at each. Ranges are of its elements. */
export function stepFinding(
  place: string,
  checked: readonly StepAt[],
  tolerance: number,
): SignedFinding | undefined {
  const failed = checked.filter(({ outcome }) => outcome.wrong.length > 0);
  if (failed.length === 0) return undefined;
  const wrong = distinct(failed.flatMap(({ outcome }) => outcome.wrong));
  const positions = failed.map(({ position }) => position);
  const signs = [...distinctSigns(failed), whenSign(positions, checked.length)];
  const { position, outcome, got } = failed.reduce((a, b) => (b.outcome.worst > a.outcome.worst ? b : a));
  const off = (i: number): number => {
    const error = Math.abs(got[i]! - outcome.wanted[i]!);
    return Number.isNaN(error) ? Infinity : error;
  };
  const output = outcome.wrong.reduce((a, b) => (off(b) > off(a) ? b : a));
  return {
    finding: {
      place,
      what: 'step',
      wrong: wrong.length,
      of: outcome.wanted.length,
      ranges: reportRanges(wrong),
      common: signs.map(({ text }) => text),
      example: {
        position,
        output,
        got: reportFigure(got[output]!),
        wanted: reportFigure(outcome.wanted[output]!),
        tolerance: reportFigure(tolerance * outcome.scale[output]! + STEP_FLOOR),
      },
    },
    signs,
    positions,
  };
}

function distinctSigns(failed: readonly StepAt[]): Sign[] {
  const signs = new Map<string, Sign>();
  for (const { outcome } of failed) if (outcome.sign) signs.set(outcome.sign.text, outcome.sign);
  return [...signs.values()];
}

/** `every position checked (3)`, `position 41 (of the 3 checked)`. */
export function whenSign(positions: readonly number[], checked: number): Sign {
  if (positions.length === checked && checked > 1) {
    return { key: 'everyPosition', text: `every position checked (${checked})` };
  }
  const text = `position${positions.length === 1 ? '' : 's'} ${rangesText(positions)} (of the ${checked} checked)`;
  return { key: 'somePositions', text };
}
