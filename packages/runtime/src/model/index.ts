export type { ModelCounters } from './counters.js';
export { type LoadModelOptions, loadModel } from './load-model.js';
export { type MemoryPlan, type PlannedBuffer, planMemory, rowVariantsFor } from './memory-plan.js';
export { NpuModel } from './npu-model.js';
export type { PlacedMatrix, PlacedTask, PlacedVariant } from './placed-matrix.js';
export type { MatrixProduct, ProductListener } from './product-watch.js';
export { Session, type SessionOptions } from './session.js';
export type { KvCache } from './workspace.js';
