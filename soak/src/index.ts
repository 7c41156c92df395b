export { ALLOWED_GROWTH, type Growth, growthOf } from './flat.js';
export { MEASURES, type Measure, type MemorySample } from './memory.js';
export { memoryPlot } from './plot.js';
export { type RunName, type RunResult, run } from './runs.js';
export { isGood, judge, type SoakOptions, type SoakRun, soak } from './soak.js';
