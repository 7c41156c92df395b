export { compileKernels } from './compile-kernels.js';
export {
  PAGE_BYTES,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  WebAssembly,
} from './web-assembly.js';
