/*
 * What the kernels compute, in plain TypeScript: the definition that those in WebAssembly are tested against. FP16 and the
 * NPU's layouts have theirs in @npu-llama/format.
 */
export { addInPlace } from './add.js';
export { attention } from './attention.js';
export { rmsNorm } from './rms-norm.js';
export { applyRope } from './rope.js';
export { softmax } from './softmax.js';
export { swiglu } from './swiglu.js';
