export { argmax } from './argmax.js';
export { compareLogits, type LogitsComparison } from './compare-logits.js';
export { findDefect, type LogitsDefect } from './find-defect.js';
export {
  type Excess,
  type Failure,
  judgePosition,
  judgePrompt,
  meanRelativeRms,
  type PositionResult,
} from './judge.js';
export { klDivergence } from './kl-divergence.js';
export {
  DEFAULT_TOLERANCES,
  KL_TOLERANCE,
  MARGIN_TOLERANCE,
  MEAN_RMS_TOLERANCE,
  POSITION_RMS_TOLERANCE,
  POSITIONS_FOR_A_MEAN,
  SPREAD_FLOOR,
  type Tolerances,
} from './tolerances.js';
