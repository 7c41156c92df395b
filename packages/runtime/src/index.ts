export {
  DEVICE_KINDS,
  type DecodeRows,
  type DeviceKind,
  NpuDevice,
  type OpenDeviceOptions,
  openDevice,
} from './device/index.js';
export type {
  AllocateOptions,
  CacheMode,
  DmaBuffer,
  JobOptions,
  NpuDriver,
  Prepared,
} from './driver/driver.js';
export { DeviceError, ModelLimitError, NumericError } from './errors.js';
export { FFI_NAMES, type FfiName } from './ffi/index.js';
export {
  type LoadModelOptions,
  loadModel,
  type MemoryPlan,
  type ModelCounters,
  NpuModel,
  type PlannedBuffer,
  planMemory,
  Session,
} from './model/index.js';
export { disassemble, emitProgram, type MatmulTask, PROGRAM_WORDS } from './program/index.js';
export {
  argmax,
  type GeneratedToken,
  type GenerateOptions,
  generate,
  Sampler,
  type SamplerOptions,
  Tokenizer,
} from './text/index.js';
