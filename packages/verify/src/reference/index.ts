export type { Arithmetic } from './arithmetic.js';
export { type ExactProduct, exactProduct } from './exact-product.js';
export type { OnMatrix } from './matrices.js';
export { ReferenceOverflowError } from './overflow-error.js';
export {
  type ReferenceForwardOptions,
  ReferenceSession,
  type ReferenceSessionOptions,
} from './reference-session.js';
export {
  type LayerWeights,
  type LoadWeightsOptions,
  loadReferenceWeights,
  type ReferenceWeights,
} from './weights.js';
