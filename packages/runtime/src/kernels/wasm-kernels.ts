import { compileKernels, type WasmMemory, type WasmModule, WebAssembly } from '@npu-llama/format/wasm';

/** What packages/runtime/assembly exports: see assembly/kernels.ts. Numbers without a unit are addresses in the memory. */
export interface WasmKernels {
  addInPlace(x: number, y: number, count: number): void;
  applyRope(vectors: number, rows: number, size: number, headSize: number, turns: number): void;
  attention(
    out: number,
    query: number,
    keys: number,
    values: number,
    scores: number,
    scoresStrideBytes: number,
    rows: number,
    firstPosition: number,
    headCount: number,
    kvHeadCount: number,
    headSize: number,
  ): void;
  /** For the tests of the exp that softmax and swiglu share. */
  exponentials(x: number, count: number): void;
  rmsNorm(out: number, x: number, weight: number, rows: number, size: number): void;
  roundFeatures(
    activations: number,
    rows: number,
    columns: number,
    features: number,
    featureRows: number,
  ): number;
  /** For the tests: attention's. */
  softmax(x: number, count: number): void;
  swiglu(gate: number, up: number, count: number): void;
  unpackResult(
    result: number,
    resultRows: number,
    rows: number,
    count: number,
    into: number,
    strideBytes: number,
  ): void;
  widenHalves(halves: number, into: number, count: number): void;
}

let module: WasmModule | undefined;

/**
 * The kernels, working in a memory. They are compiled once a process.
 * @throws FileError when the compiled kernels are missing or damaged
 */
export function wasmKernelsIn(memory: WasmMemory): WasmKernels {
  module ??= compileKernels(new URL('./kernels.wasm', import.meta.url), 'the runtime');
  return new WebAssembly.Instance(module, { env: { memory } }).exports as WasmKernels;
}
