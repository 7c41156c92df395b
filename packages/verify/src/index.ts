export * from './compare/index.js';
export * from './diagnose/index.js';
export * from './golden/index.js';
export type {
  DeviceFacts,
  KeyValues,
  MatrixRun,
  NpuUnderTest,
  PlacedMatrix,
  TaskRange,
  WatchedSession,
} from './npu/npu-under-test.js';
export * from './reference/index.js';
export * from './report/index.js';
export * from './suite/index.js';
export { PromptEncoder } from './text/index.js';
export * from './verify/index.js';
