import { compileKernels, type WasmMemory, WebAssembly } from '@npu-llama/format/wasm';

/** Bytes that the kernels want to work in. */
export const SCRATCH_BYTES = 128;
/** Bytes behind row-major halves that `roundWeights` may write. */
export const HALVES_SLACK_BYTES = 64;

/** packages/converter/assembly/kernels.ts; all addresses are bytes of the memory. */
export interface Kernels {
  /** @returns the largest rounding error, or -1 when FP16 cannot hold a weight */
  tileWeights(weights: number, rows: number, columns: number, tiles: number, scratch: number): number;
  roundWeights(weights: number, rows: number, columns: number, halves: number, scratch: number): number;
}

/** @throws FileError when they were not built */
export function kernelsIn(memory: WasmMemory<SharedArrayBuffer>): Kernels {
  const module = compileKernels(new URL('./kernels.wasm', import.meta.url), 'the converter');
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
}
