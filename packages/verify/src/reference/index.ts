export { ReferenceSession } from './reference-session.js';
export {
  type LayerWeights,
  type LoadWeightsOptions,
  loadReferenceWeights,
  type ReferenceWeights,
} from './weights.js';
