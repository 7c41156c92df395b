import type { ProductEvidence, Sign, SignFinder } from './sign.js';
import {
  accumulatedSign,
  featureStrideSign,
  resultStrideSign,
  staleInputSign,
  staleResultSign,
} from './what-memory.js';
import {
  columnsMissingSign,
  earlierPositionSign,
  movedSign,
  neighbourRowSign,
  neighbourSign,
  swappedSign,
} from './what-place.js';
import { roundingSign, subnormalsSign } from './what-rounding.js';
import {
  factorSign,
  fp16OutputSign,
  fp16PackedSign,
  notFiniteSign,
  offsetSign,
  stuckBitSign,
  zeroSign,
} from './what-value.js';
import { whenSigns } from './when.js';
import { whereSigns } from './where.js';

/** What wrong values can be, the plainest explanation first: the first that the numbers confirm is said. */
const WHAT: readonly SignFinder[] = [
  notFiniteSign,
  subnormalsSign,
  roundingSign,
  zeroSign,
  staleResultSign,
  fp16OutputSign,
  fp16PackedSign,
  neighbourSign,
  neighbourRowSign,
  earlierPositionSign,
  movedSign,
  swappedSign,
  resultStrideSign,
  staleInputSign,
  featureStrideSign,
  // A bit of the exponent is a factor, too, where all have it the same way.
  stuckBitSign,
  factorSign,
  offsetSign,
  columnsMissingSign,
  accumulatedSign,
];

/**
 * What the wrong outputs of a matrix have in common: where, when, what.
 * @param explained why they are wrong, where that is known: then it is not looked for
 */
export function findSigns(evidence: ProductEvidence, explained?: Sign): Sign[] {
  if (evidence.rows.every(({ wrong }) => wrong.length === 0)) return [];
  if (explained !== undefined) return [...whereSigns(evidence), explained];
  let what: Sign | undefined;
  for (const find of WHAT) {
    what = find(evidence);
    if (what !== undefined) break;
  }
  return [...whereSigns(evidence), ...whenSigns(evidence), ...(what === undefined ? [] : [what])];
}
