import { PAGE_BYTES, type WasmMemory, WebAssembly } from '@npu-llama/format/wasm';
import { type Kernels, kernelsIn, ROW_PADDING, TILE_BYTES } from './kernels.js';

/** Address 0 stays unused. */
const TILE = 1024;
const INPUT = TILE + TILE_BYTES;
/** A batch of 64 with 4096 columns. */
const INPUT_FLOATS = 1 << 18;
const OUTPUT = INPUT + INPUT_FLOATS * 4;
const OUTPUT_BYTES = 2 << 20;
const WEIGHTS = OUTPUT + OUTPUT_BYTES;
/** Allocations begin at multiples of this: a cache line. */
const ALIGNMENT_FLOATS = 16;

/** The most columns that the kernels take. */
export const MAX_COLUMNS = INPUT_FLOATS;

const memories = new WeakMap<ArrayBufferLike, KernelMemory>();

/** Some rows of a matrix [rows][columns], multiplied with a batch of inputs. */
export interface RowsProduct {
  /** [batch][columns] f32 */
  readonly input: Float32Array;
  readonly batch: number;
  readonly columns: number;
  /** Rows of the outputs: of the whole matrix. */
  readonly rows: number;
  readonly firstRow: number;
  readonly rowCount: number;
}

/**
 * A WebAssembly memory of weights, with the kernels that multiply them in it. It never grows, so its views last; it is
 * freed when no view of it is left.
 */
export class KernelMemory {
  readonly #memory: WasmMemory<SharedArrayBuffer>;
  readonly #kernels: Kernels;
  readonly #input: Float32Array;
  #next = WEIGHTS;

  /**
   * @param floats how many there is room for, each allocation counted by `floatsFor`
   * @throws RangeError when there is no such memory
   */
  constructor(floats: number) {
    const pages = Math.ceil((WEIGHTS + floats * 4) / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#kernels = kernelsIn(this.#memory);
    this.#input = new Float32Array(this.#memory.buffer, INPUT, INPUT_FLOATS);
    memories.set(this.#memory.buffer, this);
  }

  /** The memory that an array lies in; undefined for one of JavaScript's. */
  static of(array: Float32Array): KernelMemory | undefined {
    return memories.get(array.buffer);
  }

  /** What an allocation takes. */
  static floatsFor(floats: number): number {
    return Math.ceil(floats / ALIGNMENT_FLOATS) * ALIGNMENT_FLOATS;
  }

  allocate(floats: number): Float32Array {
    const array = new Float32Array(this.#memory.buffer, this.#next, floats);
    this.#next += KernelMemory.floatsFor(floats) * 4;
    return array;
  }

  /**
   * @param weights [rowCount][columns] f32 in this memory
   * @param halves whether weights are rounded to FP16; the inputs are already
   * @param output [batch][rows] f32, of which the rows from firstRow on are written
   */
  multiply(weights: Float32Array, product: RowsProduct, halves: boolean, output: Float32Array): void {
    const { columns } = product;
    this.#inParts(product, OUTPUT_BYTES / 4, (row, rows, firstInput, batch) => {
      const at = weights.byteOffset + row * columns * 4;
      this.#kernels.multiply(at, rows, columns, INPUT, batch, OUTPUT, TILE, halves);
      const got = new Float32Array(this.#memory.buffer, OUTPUT, batch * padded(rows));
      copyRows(got, rows, batch, output, product, product.firstRow + row, firstInput);
    });
  }

  /**
   * @param weights [rowCount][columns] f32 in this memory
   * @param sums [batch][rows] f64, of which the rows from firstRow on are written
   * @param magnitudes as sums
   */
  multiplyExactly(
    weights: Float32Array,
    product: RowsProduct,
    sums: Float64Array,
    magnitudes: Float64Array,
  ): void {
    const { columns } = product;
    const half = OUTPUT + OUTPUT_BYTES / 2;
    this.#inParts(product, OUTPUT_BYTES / 16, (row, rows, firstInput, batch) => {
      const at = weights.byteOffset + row * columns * 4;
      this.#kernels.multiplyExactly(at, rows, columns, INPUT, batch, OUTPUT, half, TILE);
      for (const [from, to] of [
        [OUTPUT, sums],
        [half, magnitudes],
      ] as const) {
        const got = new Float64Array(this.#memory.buffer, from, batch * padded(rows));
        copyRows(got, rows, batch, to, product, product.firstRow + row, firstInput);
      }
    });
  }

  /** Calls with as many inputs (copied into place) and as many rows as there is room for. */
  #inParts(
    { input, batch, columns, rowCount }: RowsProduct,
    outputs: number,
    call: (row: number, rows: number, firstInput: number, batch: number) => void,
  ): void {
    const inputsAtOnce = Math.min(Math.floor(INPUT_FLOATS / columns), outputs / ROW_PADDING);
    for (let first = 0; first < batch; first += inputsAtOnce) {
      const count = Math.min(inputsAtOnce, batch - first);
      this.#input.set(input.subarray(first * columns, (first + count) * columns));
      const rowsAtOnce = Math.floor(outputs / count / ROW_PADDING) * ROW_PADDING;
      for (let row = 0; row < rowCount; row += rowsAtOnce) {
        call(row, Math.min(rowsAtOnce, rowCount - row), first, count);
      }
    }
  }
}

function padded(rows: number): number {
  return Math.ceil(rows / ROW_PADDING) * ROW_PADDING;
}

/** From a kernel's padded outputs to where they belong. */
function copyRows<A extends Float32Array | Float64Array>(
  got: A,
  rows: number,
  batch: number,
  output: A,
  product: RowsProduct,
  firstRow: number,
  firstInput: number,
): void {
  for (let b = 0; b < batch; b++) {
    const from = b * padded(rows);
    output.set(got.subarray(from, from + rows), (firstInput + b) * product.rows + firstRow);
  }
}
