export { argmax } from './argmax.js';
export { compareLogits, type LogitsComparison } from './compare-logits.js';
export { findDefect, type LogitsDefect } from './find-defect.js';
export {
  excessesOf,
  type FedPosition,
  judgePosition,
  judgePrompt,
  meanRelativeRms,
  normsOf,
  type PositionLogits,
  type Yardstick,
} from './judge.js';
export { klDivergence, klTerm } from './kl-divergence.js';
export { logProbability, logSumExp } from './log-probability.js';
export { Perplexity } from './perplexity.js';
export * from './tolerances.js';
