export { packFeatures } from './features.js';
export {
  COLUMNS_PER_TILE,
  FEATURE_CHANNELS,
  featureIndex,
  paddedColumnCount,
  paddedRowCount,
  RESULT_CHANNELS,
  ROWS_PER_GROUP,
  resultIndex,
  TILE_BYTES,
  weightIndex,
} from './layout.js';
export { unpackResult } from './results.js';
export {
  type OverflowPolicy,
  type RoundingReport,
  roundWeights,
  tileWeights,
  UnrepresentableWeightError,
} from './weights.js';
