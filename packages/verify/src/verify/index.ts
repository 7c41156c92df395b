export { type HashOptions, requireSameModel, sha256OfCheckpoint } from './identity.js';
export type { LogitsModel, LogitsSession } from './logits-source.js';
export { type Prompt, type PromptResult, type VerifyPromptOptions, verifyPrompt } from './verify-prompt.js';
export {
  DEFAULT_POSITION_COUNT,
  planPositions,
  promptPassed,
  type VerifyOptions,
  type VerifyResult,
  verifyPrompts,
} from './verify-prompts.js';
