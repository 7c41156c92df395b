export { PromptEncoder } from './prompt-encoder.js';
export { pieceText, showText } from './show-text.js';
