import { reportFigure, reportRanges, type SignedFinding } from '../finding.js';
import { STEP_FLOOR } from '../tolerances.js';
import { judgeStep } from './judge-step.js';
import { type LayerSlots, plainValue, slotSigns, turnedKey, wrongSlots } from './key-value-slots.js';

/**
 * Whether a session's cache of one layer holds what the products gave: undefined where it does. Counts and ranges are of
 * slots, which are positions.
 * @param audited positions, ascending: those that read a wrong slot are concerned
 */
export function slotsFinding(
  place: string,
  slots: LayerSlots,
  audited: readonly number[],
): SignedFinding | undefined {
  const bad = wrongSlots(slots);
  const wrong = [...new Set([...bad.keys, ...bad.values])].sort((a, b) => a - b);
  const first = wrong[0];
  if (first === undefined) return undefined;
  const signs = slotSigns(slots, bad);
  return {
    finding: {
      place,
      what: 'step',
      wrong: wrong.length,
      of: slots.traced.length,
      ranges: reportRanges(wrong),
      common: signs.map(({ text }) => text),
      example: exampleOf(slots, first, bad.keys.includes(first)),
    },
    signs,
    positions: audited.filter(position => position >= first),
  };
}

function exampleOf(slots: LayerSlots, t: number, isKey: boolean) {
  const { traced, cachedKeys, cachedValues, headSize, tolerance } = slots;
  const exact = isKey ? turnedKey(traced[t]!.key, t, headSize) : plainValue(traced[t]!.value);
  const got = (isKey ? cachedKeys : cachedValues)[t]!;
  const output = judgeStep(got, exact, tolerance).wrong[0]!;
  return {
    position: t,
    output,
    got: reportFigure(got[output]!),
    wanted: reportFigure(exact.wanted[output]!),
    tolerance: reportFigure(tolerance * exact.scale[output]! + STEP_FLOOR),
  };
}
