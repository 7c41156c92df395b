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
  roundInputs(values: number, count: number): number;
}

/** What assembly/attention.ts exports. */
export interface AttentionKernels {
  score(
    keys: number,
    headCount: number,
    kvHeadCount: number,
    headSize: number,
    capacity: number,
    groups: number,
    queries: number,
    scores: number,
  ): void;
  weigh(
    values: number,
    headCount: number,
    kvHeadCount: number,
    elementGroups: number,
    capacity: number,
    positions: number,
    weights: number,
    out: number,
  ): void;
}

/** Rows whose weights of a column lie side by side. */
export const GROUP_ROWS = 8;
/** What a kernel rounds weights into. */
export const TILE_BYTES = 16 << 10;

const compiled = new Map<string, WasmModule>();

/**
 * The kernels, working in a memory.
 * @throws FileError when the compiled kernels are missing or damaged
 */
export function kernelsIn(memory: WasmMemory<SharedArrayBuffer>): Kernels {
  return instantiate('./kernels.wasm', memory) as Kernels;
}

/** As kernelsIn. */
export function attentionKernelsIn(memory: WasmMemory): AttentionKernels {
  return instantiate('./attention.wasm', memory) as AttentionKernels;
}

function instantiate(name: string, memory: WasmMemory<ArrayBufferLike>): unknown {
  let module = compiled.get(name);
  if (module === undefined) {
    module = compileKernels(new URL(name, import.meta.url), 'the CPU reference');
    compiled.set(name, module);
  }
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}
