import { formatBytesExactly } from '@npu-llama/format';
import { ADDRESS_SPACE_REMEDY, PAGE_BYTES, type WasmMemory, WebAssembly } from '@npu-llama/format/wasm';
import { ModelLimitError } from '../errors.js';
import { type WasmKernels, wasmKernelsIn } from './wasm-kernels.js';

/** Address 0 stays unused; allocations begin at multiples of this, a cache line. */
const ALIGNMENT = 64;
/** What an address of 32 bits reaches. */
const MAX_BYTES = 2 ** 32;

/** Elements of each array in a memory, by name. */
export type ArraySizes = Readonly<Record<string, number>>;

/**
 * Arrays of f32 that WebAssembly can reach: one memory, of just their size, zeroed. It never grows, so the arrays stay valid;
 * it is freed when none of them is left. What is not touched takes no memory of the machine.
 */
export class KernelMemory<Sizes extends ArraySizes> {
  readonly arrays: { readonly [Name in keyof Sizes]: Float32Array<ArrayBuffer> };
  readonly wasm: WasmKernels;
  readonly buffer: ArrayBuffer;

  /**
   * @param what for messages: `a session of stories110M.npu`
   * @throws ModelLimitError when it is more than WebAssembly can address or this machine can give
   */
  constructor(sizes: Sizes, what: string) {
    const entries = Object.entries<number>(sizes);
    const bytes = entries.reduce((sum, [, elements]) => sum + alignedBytes(elements), ALIGNMENT);
    const memory = allocate(bytes, what);
    this.wasm = wasmKernelsIn(memory);
    this.buffer = memory.buffer;
    let next = ALIGNMENT;
    const arrays = entries.map(([name, elements]) => {
      const array = new Float32Array(memory.buffer, next, elements);
      next += alignedBytes(elements);
      return [name, array];
    });
    this.arrays = Object.fromEntries(arrays);
  }
}

function alignedBytes(elements: number): number {
  return Math.ceil((elements * 4) / ALIGNMENT) * ALIGNMENT;
}

function allocate(bytes: number, what: string): WasmMemory {
  if (bytes > MAX_BYTES) {
    throw new ModelLimitError(`${what} does not fit a WebAssembly memory`, {
      got: `${formatBytesExactly(bytes)} for keys, values and activations`,
      wanted: `at most ${formatBytesExactly(MAX_BYTES)}`,
      next: 'is seq_len in the file right?',
    });
  }
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new ModelLimitError(`not enough memory for ${what}`, {
      got: `${formatBytesExactly(bytes)} needed`,
      next: `close other sessions; is seq_len in the file right? ${ADDRESS_SPACE_REMEDY}`,
      cause,
    });
  }
}
