import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errnoName, FileError, fileErrorFrom } from '@npu-llama/format';
import { type WasmMemory, WebAssembly } from './wasm.js';

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

let module: object | undefined;

/**
 * The kernels, working in a memory.
 * @throws FileError when the compiled kernels are missing or damaged
 */
export function kernelsIn(memory: WasmMemory): Kernels {
  module ??= compile();
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
}

function compile(): object {
  const path = fileURLToPath(new URL('./kernels.wasm', import.meta.url));
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw fileErrorFrom(error, path, 'read');
    throw new FileError(path, "the CPU reference's kernels are missing", {
      next: 'make them with `pnpm build`',
      cause: error,
    });
  }
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new FileError(path, 'not the kernels of this processor', {
      next: 'build again; they need WebAssembly with SIMD and threads',
      cause: error,
    });
  }
}
