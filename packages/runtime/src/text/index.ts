export { type GeneratedToken, type GenerateOptions, generate } from './generate.js';
export { Xorshift64 } from './random.js';
export { argmax, Sampler, type SamplerOptions } from './sampler.js';
export { Tokenizer } from './tokenizer.js';
