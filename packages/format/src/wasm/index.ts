export { compileKernels } from './compile-kernels.js';
export { ADDRESS_SPACE_REMEDY, createMemory, WasmMemoryError } from './create-memory.js';
export {
  PAGE_BYTES,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  WebAssembly,
} from './web-assembly.js';
