export { addInPlace } from './add.js';
export { type AttentionShape, attention } from './attention.js';
export { cpuKernels } from './cpu-kernels.js';
export { rmsNorm } from './rms-norm.js';
export { applyRope, RopeTable } from './rope.js';
export { softmax } from './softmax.js';
export { swiglu } from './swiglu.js';
