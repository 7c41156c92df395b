export { PromptEncoder } from './prompt-encoder.js';
export { pieceText, showText, showToken } from './show-token.js';
