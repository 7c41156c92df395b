export { PromptEncoder } from './prompt-encoder.js';
export { showText, showToken } from './show-token.js';
