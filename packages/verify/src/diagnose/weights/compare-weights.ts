import type { TiledMatrix } from '@npu-llama/format';
import { tilePlace } from '../tile-layout.js';

/** Places that are kept one by one: enough to recognise a pattern, few enough for a whole classifier that is wrong. */
const MAX_ELEMENTS = 1 << 16;

/** Weights of a matrix that are not what they should be. */
export interface WeightDifferences {
  readonly layout: TiledMatrix;
  /** [N/16][K/32][16][32] f16 as bits */
  readonly wanted: Uint16Array;
  readonly got: Uint16Array;
  readonly count: number;
  /** The first of them, as indexes into the tiles. */
  readonly elements: readonly number[];
}

/** Compares bit for bit, padding included. Both [N/16][K/32][16][32] f16 as bits. */
export function compareWeights(
  layout: TiledMatrix,
  wanted: Uint16Array,
  got: Uint16Array,
): WeightDifferences {
  if (wanted.length !== got.length) {
    throw new RangeError(`${layout.name}: ${got.length} weights, wanted ${wanted.length}`);
  }
  const elements: number[] = [];
  let count = 0;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === got[i]) continue;
    if (count++ < MAX_ELEMENTS) elements.push(i);
  }
  return { layout, wanted, got, count, elements };
}

/** Row and column of each difference that is kept. */
export function differencePlaces({ layout, elements }: WeightDifferences): { row: number; column: number }[] {
  return elements.map(element => tilePlace(element, layout.paddedColumns));
}
