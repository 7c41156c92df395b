import { UsageError } from '@npu-llama/format';
import type { Tolerances } from '../report/schema.js';

/** Where each tolerance stands, by the name that --tolerance and suites call it. */
const PLACES = {
  'fp32.margin': ['fp32', 'margin'],
  'fp32.positionRms': ['fp32', 'positionRms'],
  'fp32.meanRms': ['fp32', 'meanRms'],
  'fp32.kl': ['fp32', 'kl'],
  'fp16.margin': ['fp16', 'margin'],
  'fp16.positionRms': ['fp16', 'positionRms'],
  'fp16.meanRms': ['fp16', 'meanRms'],
  'fp16.kl': ['fp16', 'kl'],
} as const;

export type ToleranceName = keyof typeof PLACES | 'product' | 'step';

export const TOLERANCE_NAMES = [...Object.keys(PLACES), 'product', 'step'] as readonly ToleranceName[];

/** Other values for some tolerances. */
export type ToleranceChanges = Readonly<Partial<Record<ToleranceName, number>>>;

/** @returns a copy with the changes; later ones count */
export function changeTolerances(
  tolerances: Tolerances,
  ...changes: readonly ToleranceChanges[]
): Tolerances {
  const changed = { ...tolerances, fp32: { ...tolerances.fp32 }, fp16: { ...tolerances.fp16 } };
  for (const change of changes) {
    for (const [name, value] of Object.entries(change) as [ToleranceName, number][]) {
      if (name === 'product' || name === 'step') changed[name] = value;
      else {
        const [yardstick, figure] = PLACES[name];
        changed[yardstick][figure] = value;
      }
    }
  }
  return changed;
}

/**
 * Parses `fp16.meanRms=0.005`.
 * @throws UsageError for another name, or a value that is no number from 0 on
 */
export function parseTolerance(text: string): ToleranceChanges {
  const [name = '', value = '', ...rest] = text.split('=');
  if (rest.length > 0 || !TOLERANCE_NAMES.includes(name as ToleranceName)) {
    throw new UsageError('no such tolerance', {
      got: JSON.stringify(text),
      wanted: `<name>=<number> with one of ${TOLERANCE_NAMES.join(', ')}`,
    });
  }
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || number < 0) {
    throw new UsageError(`impossible tolerance ${name}`, { got: JSON.stringify(value), wanted: '0 or more' });
  }
  return { [name]: number };
}
