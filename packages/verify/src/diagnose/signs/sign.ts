import type { MatrixUnderTest, ProductRow } from '../product-row.js';

/** Something that wrong results have in common; conclusions.ts says what each usually means. */
export type SignKey =
  // where
  | 'oneOutput'
  | 'group'
  | 'task'
  | 'core'
  | 'link'
  | 'lane'
  | 'padding'
  | 'everyOutput'
  | 'taskOffset'
  // when
  | 'decodeOnly'
  | 'batchOnly'
  | 'someHeights'
  | 'someJobRows'
  | 'everyPosition'
  | 'somePositions'
  | 'intermittent'
  // what
  | 'notFinite'
  | 'zero'
  | 'staleResult'
  | 'staleInput'
  | 'earlierPosition'
  | 'accumulated'
  | 'neighbourChannel'
  | 'neighbourSurface'
  | 'neighbourRow'
  | 'resultStride'
  | 'featureStride'
  | 'partsSwapped'
  | 'rowsMoved'
  | 'rowsSwapped'
  | 'fp16Packed'
  | 'fp16Output'
  | 'factor'
  | 'offset'
  | 'stuckBit'
  | 'columnsMissing'
  | 'rounding'
  | 'subnormals'
  // weights
  | 'fileDamaged'
  | 'fileDiffers'
  | 'memoryDiffers'
  | 'memoryExplains'
  | 'readsOther'
  | 'sessionOnly'
  | 'weightBits'
  | 'tilesSwapped'
  | 'weightRowsMoved'
  | 'weightColumnsMoved'
  | 'weightPartsSwapped'
  | 'weightPadding'
  | 'weightsZero'
  | 'weightPlace'
  | 'weightEffect'
  // steps
  | 'normMissing'
  | 'normWeights'
  | 'residual'
  | 'embedding'
  | 'rope'
  | 'attention'
  | 'kvSlot'
  | 'kvSwapped'
  | 'activation'
  | 'logitsMoved'
  | 'stepUnknown';

export interface Sign {
  readonly key: SignKey;
  /** In words: `core 1`, `every position checked (3)`. */
  readonly text: string;
}

/** Products of one matrix, right and wrong. */
export interface ProductEvidence {
  readonly matrix: MatrixUnderTest;
  readonly rows: readonly ProductRow[];
  /** [paddedRows][columns] f32: what they should have been made with. */
  readonly weights: Float32Array;
}

/** Looks for one kind of thing in common; undefined where the numbers do not confirm it. */
export type SignFinder = (evidence: ProductEvidence) => Sign | undefined;
