import { compileKernels, type WasmMemory, type WasmModule, WebAssembly } from '@npu-llama/format/wasm';

/**
 * What packages/verify/assembly exports: see assembly/kernels.ts. Numbers without a unit are addresses in the memory.
 * Outputs are [batch][rows, filled up to a multiple of ROW_PADDING].
 */
export interface Kernels {
  multiply(
    weights: number,
    rows: number,
    columns: number,
    input: number,
    batch: number,
    output: number,
    tile: number,
    halves: boolean,
  ): void;
  multiplyExactly(
    weights: number,
    rows: number,
    columns: number,
    input: number,
    batch: number,
    sums: number,
    magnitudes: number,
    tile: number,
  ): void;
}

/** Outputs of a kernel are rows of a multiple of this. */
export const ROW_PADDING = 8;
/** What a kernel packs weights into. */
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
