export { type AttentionShape, CpuKernels, type HalfRuns, type KernelScratch } from './cpu-kernels.js';
export { type ArraySizes, KernelMemory } from './kernel-memory.js';
export { RopeTable } from './rope.js';
