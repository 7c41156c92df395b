// What the CPU computes for a token, in WebAssembly SIMD. Parameters without a unit are addresses; arrays are row-major. The
// plain TypeScript twin of each, which says what it computes, is in test/kernels/plain.
export { addInPlace } from './add';
export { attention } from './attention';
export { roundFeatures } from './features';
export { widenHalves } from './halves';
export { unpackResult } from './results';
export { rmsNorm } from './rms-norm';
export { applyRope } from './rope';
export { softmax } from './softmax';
export { exponentials, swiglu } from './swiglu';
