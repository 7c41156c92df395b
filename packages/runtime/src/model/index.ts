export type { ModelCounters } from './counters.js';
export { type LoadModelOptions, loadModel } from './load-model.js';
export { type MemoryPlan, type PlannedBuffer, planMemory, rowVariantsFor } from './memory-plan.js';
export { NpuModel } from './npu-model.js';
export { Session } from './session.js';
