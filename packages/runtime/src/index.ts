export {
  DEVICE_KINDS,
  type DecodeRows,
  type DeviceKind,
  type NpuDevice,
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
export type {
  IoctlArgument,
  IoctlCall,
  IoctlDefinition,
  StructFields,
} from './driver/ioctl.js';
export type { Kernel, KernelError, Mapping } from './driver/kernel.js';
export { DeviceError, type DeviceErrorFacts, ModelLimitError, NumericError } from './errors.js';
export { FFI_NAMES, type FfiName } from './ffi/index.js';
export {
  type KvCache,
  type LoadModelOptions,
  loadModel,
  type MatrixProduct,
  type MemoryPlan,
  type ModelCounters,
  type NpuModel,
  type PlacedMatrix,
  type PlacedTask,
  type PlacedVariant,
  type PlannedBuffer,
  type ProductListener,
  planMemory,
  type Session,
  type SessionOptions,
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
