export { type Anatomy, mutate, type Random } from './mutate.js';
export { mutateJson } from './mutate-json.js';
export { type Finding, makeInput, runTarget, type TargetResult } from './run-target.js';
export { readSeeds, type Seeds, writeSeeds } from './seeds.js';
export type { Subject, Target } from './target.js';
export { openTargets, TARGET_NAMES, type TargetName } from './targets.js';
