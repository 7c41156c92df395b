/*
 * For this repository's own tests: what it takes to watch the boundary to the kernel and to break things on purpose. Promises
 * nothing to anybody else.
 */

import { IoctlArgument, type IoctlCall, type IoctlDefinition, type StructFields } from './driver/ioctl.js';

/** The struct of a call, where it is a call of this ioctl: to read its fields, or to change them before it is made. */
export function argumentOf<F extends StructFields>(
  call: IoctlCall,
  definition: IoctlDefinition<F>,
): IoctlArgument<F> | undefined {
  if (!(call instanceof IoctlArgument) || call.definition.request !== definition.request) return undefined;
  return call as IoctlArgument<F>;
}

export { callMicroseconds } from './driver/call-cost.js';
export { DelegatingKernel } from './driver/delegating-kernel.js';
export {
  IoctlArgument,
  type IoctlCall,
  type IoctlDefinition,
  type StructFields,
} from './driver/ioctl.js';
export { type Kernel, KernelError, type Mapping } from './driver/kernel.js';
export {
  ACTION,
  Action,
  DRM_VERSION,
  MEM_CREATE,
  MEM_DESTROY,
  MEM_MAP,
  MEM_SYNC,
  MemFlag,
  SUBMIT,
  SyncFlag,
  TASK_RECORD_BYTES,
  writeTaskRecord,
} from './driver/vendor/uapi.js';
export {
  allRegisters,
  CNA,
  CORE,
  DPU,
  decodeFields,
  encodeFields,
  PC,
  type Register,
} from './hardware/index.js';
// Patched by a test, and put back by it: `CpuKernels.prototype.rmsNorm = ...`, `RopeTable.prototype.at = ...`.
export { type AttentionShape, CpuKernels, RopeTable } from './kernels/index.js';
export { MatrixJob } from './model/matrix-job.js';
export { type Pass, Transformer } from './model/transformer.js';
export { PROGRAM_BYTES, PROGRAM_WORDS } from './program/index.js';
