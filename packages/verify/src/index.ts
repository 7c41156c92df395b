export * from './compare/index.js';
export * from './reference/index.js';
export * from './report/index.js';
export { PromptEncoder } from './text/index.js';
export * from './verify/index.js';
