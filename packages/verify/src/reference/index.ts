export type { Arithmetic } from './arithmetic.js';
export { type ExactProduct, exactMatrixProduct, exactProduct } from './exact-product.js';
export { MAX_THREADS } from './kernel-memory.js';
export type { OnMatrix } from './matrices.js';
export { ReferenceOverflowError } from './overflow-error.js';
export { Pace } from './pace.js';
export { PackedMatrix } from './packed-matrix.js';
export {
  type ReferenceForwardOptions,
  ReferenceSession,
  type ReferenceSessionOptions,
} from './reference-session.js';
export { Threads } from './threads.js';
export {
  type LayerWeights,
  type LoadWeightsOptions,
  loadReferenceWeights,
  type ReferenceWeights,
} from './weights.js';
