import { createMemory, type WasmMemory } from '@npu-llama/format/wasm';
import { type Kernels, kernelsIn, TILE_BYTES } from './kernels.js';

/** Threads that a memory has room to work in for. */
export const MAX_THREADS = 64;
/** A tile for each thread; address 0 stays unused. */
const TILES = 1024;
const INPUT = TILES + MAX_THREADS * TILE_BYTES;
/** A batch of 64 with 4096 columns. */
const INPUT_FLOATS = 1 << 18;
const OUTPUT = INPUT + INPUT_FLOATS * 4;
const OUTPUT_BYTES = 2 << 20;
const WEIGHTS = OUTPUT + OUTPUT_BYTES;
/** Allocations begin at multiples of this: a cache line. */
const ALIGNMENT_FLOATS = 16;

/** The most columns that the kernels take. */
export const MAX_COLUMNS = INPUT_FLOATS;

/** Where things stand in every KernelMemory: byte addresses and sizes. */
export const LAYOUT = {
  input: INPUT,
  inputFloats: INPUT_FLOATS,
  output: OUTPUT,
  outputBytes: OUTPUT_BYTES,
  /** Of a thread, from 0 on. */
  tile: (thread: number): number => TILES + thread * TILE_BYTES,
} as const;

/**
 * A WebAssembly memory of weights, shared with worker threads, with room for the inputs and outputs of one product at a time. It never
 * grows, so its views last; it is freed when no view of it is left.
 */
export class KernelMemory {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  /** Of this thread. */
  readonly kernels: Kernels;
  /** Inputs of a product, and rows on their way into groups. */
  readonly input: Float32Array;
  #next = WEIGHTS;

  /**
   * @param floats how many there is room for, each allocation counted by `floatsFor`
   * @throws WasmMemoryError when there is no such memory
   */
  constructor(floats: number) {
    this.memory = createMemory(WEIGHTS + floats * 4, 'the CPU reference', 'shared');
    this.kernels = kernelsIn(this.memory);
    this.input = new Float32Array(this.memory.buffer, INPUT, INPUT_FLOATS);
  }

  /** What an allocation takes. */
  static floatsFor(floats: number): number {
    return Math.ceil(floats / ALIGNMENT_FLOATS) * ALIGNMENT_FLOATS;
  }

  allocate(floats: number): Float32Array {
    const array = new Float32Array(this.memory.buffer, this.#next, floats);
    this.#next += KernelMemory.floatsFor(floats) * 4;
    return array;
  }
}
