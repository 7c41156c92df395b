import { compileKernels, createMemory, WebAssembly } from '@npu-llama/format/wasm';

/** What packages/runtime/assembly-sampler exports: see its kernels.ts. `values` and `work` are addresses. */
interface Kernels {
  firstFree(): number;
  likeliest(values: number, count: number): number;
  exponentials(values: number, count: number, temperature: number, max: number): number;
  drawFromAll(values: number, count: number, sum: number, coin: number): number;
  drawFromNucleus(
    values: number,
    count: number,
    sum: number,
    cutoff: number,
    topP: number,
    coin: number,
    work: number,
  ): number;
}

/** The kernels' memory begins with tables of their own. */
const TABLE_BYTES = 16 << 10;
/** A value, and two entries of a candidate for the nucleus. */
const BYTES_PER_VALUE = 4 + 2 * 8;

/** One vector of logits in WebAssembly memory, and the kernels that draw from it; each step replaces what the one before left. */
export class SamplerKernels {
  /** The most values that there is room for: a multiple of 4. */
  readonly capacity: number;
  readonly #kernels: Kernels;
  readonly #values: Float32Array;
  #count = 0;

  /** @throws FileError when the compiled kernels are missing or damaged, WasmMemoryError when there is no such memory */
  constructor(count: number) {
    this.capacity = Math.ceil(count / 4) * 4;
    const memory = createMemory(TABLE_BYTES + this.capacity * BYTES_PER_VALUE, 'the sampler');
    const module = compileKernels(new URL('./sampler.wasm', import.meta.url), 'the sampler');
    this.#kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
    this.#values = new Float32Array(memory.buffer, this.#kernels.firstFree(), this.capacity);
  }

  /** @param logits [up to capacity] f32, copied */
  load(logits: Float32Array): void {
    this.#values.set(logits);
    this.#count = logits.length;
  }

  /** The values as the last step left them; a view. */
  get values(): Float32Array {
    return this.#values.subarray(0, this.#count);
  }

  /** @returns the highest logit's index, the first of equals; -1 when they are not all finite numbers */
  likeliest(): number {
    return this.#kernels.likeliest(this.#values.byteOffset, this.#count);
  }

  /**
   * Replaces logits by e^(logit / temperature - max), every step rounded to float.
   * @param max the highest logit over the temperature
   * @returns their sum, added in order
   */
  exponentials(temperature: number, max: number): number {
    return this.#kernels.exponentials(this.#values.byteOffset, this.#count, temperature, max);
  }

  /** Draws from exponentials. @param coin 0 to below 1 */
  drawFromAll(sum: number, coin: number): number {
    return this.#kernels.drawFromAll(this.#values.byteOffset, this.#count, sum, coin);
  }

  /**
   * Draws from those exponentials that are a probability of `cutoff` or more, the highest ones that together exceed topP.
   * @returns -1 when none reaches the cutoff
   */
  drawFromNucleus(sum: number, cutoff: number, topP: number, coin: number): number {
    const { byteOffset, byteLength } = this.#values;
    const work = byteOffset + byteLength;
    return this.#kernels.drawFromNucleus(byteOffset, this.#count, sum, cutoff, topP, coin, work);
  }
}

let shared: SamplerKernels | undefined;

/** The kernels with these logits, copied in. All samplers share one memory, since a draw begins and ends in one call. */
export function kernelsWith(logits: Float32Array): SamplerKernels {
  if (shared === undefined || shared.capacity < logits.length) shared = new SamplerKernels(logits.length);
  shared.load(logits);
  return shared;
}
