import { compileKernels, type WasmMemory, type WasmModule, WebAssembly } from '@npu-llama/format/wasm';

/**
 * What packages/verify/assembly exports: see assembly/kernels.ts. Weights are groups of rows [groups][columns][8]; numbers
 * without a unit are addresses in the memory, strides are bytes.
 */
export interface Kernels {
  multiply(
    weights: number,
    groups: number,
    columns: number,
    input: number,
    batch: number,
    output: number,
    outputStride: number,
    tile: number,
    halves: boolean,
  ): void;
  multiplyExactly(
    weights: number,
    groups: number,
    columns: number,
    input: number,
    batch: number,
    sums: number,
    magnitudes: number,
    outputStride: number,
    tile: number,
  ): void;
  packRows(from: number, rows: number, columns: number, to: number): void;
}

/** Rows whose weights of a column lie side by side. */
export const GROUP_ROWS = 8;
/** What a kernel rounds weights into. */
export const TILE_BYTES = 16 << 10;

let module: WasmModule | undefined;

/**
 * The kernels, working in a memory.
 * @throws FileError when the compiled kernels are missing or damaged
 */
export function kernelsIn(memory: WasmMemory<SharedArrayBuffer>): Kernels {
  module ??= compileKernels(new URL('./kernels.wasm', import.meta.url), 'the CPU reference');
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
}
