import type { KernelMemory } from './kernel-memory.js';
import type { WasmKernels } from './wasm-kernels.js';

export interface AttentionShape {
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
}

/** Where the kernels work on their way: arrays of one memory. */
export type KernelScratch = {
  /** An A [K/8][M][8] f16, as large as the largest: two of them an element. */
  readonly features: number;
  /** The C [N/4][M][4] f32 of a part with more than one row. */
  readonly results: number;
  /** [headCount][at least positions] f32 */
  readonly scores: number;
};

/** Halves that stand in runs, from element `first` on, `stride` elements from one to the next. */
export interface HalfRuns {
  readonly run: number;
  readonly stride: number;
}

/**
 * What the CPU computes between the matrices, in WebAssembly SIMD: each step a method, to be watched, timed or replaced on
 * the prototype. Arrays are views of the memory that the kernels were made for, but for those said to be in DMA memory; a
 * view of another memory, or elements beyond one, are a RangeError. Nothing is allocated.
 */
export class CpuKernels {
  readonly #wasm: WasmKernels;
  readonly #buffer: ArrayBuffer;
  readonly #halves: Uint16Array;
  readonly #results: Float32Array;
  readonly #scores: Float32Array;
  /** The beginnings of #halves that were copied so far, by length. */
  readonly #beginnings = new Map<number, Uint16Array>();

  constructor({ wasm, buffer, arrays }: KernelMemory<KernelScratch>) {
    this.#wasm = wasm;
    this.#buffer = buffer;
    const { features, results, scores } = arrays;
    this.#halves = new Uint16Array(buffer, features.byteOffset, features.length * 2);
    this.#results = results;
    this.#scores = scores;
  }

  /** x += y, over `count` elements. */
  addInPlace(x: Float32Array, y: Float32Array, count: number): void {
    this.#wasm.addInPlace(this.#address(x, 0, count), this.#address(y, 0, count), count);
  }

  /**
   * out = weight * x / sqrt(mean(x^2) + 1e-5), row by row.
   * @param out [rows][size] f32
   * @param x [rows][size] f32, from element `at`
   * @param weight [size] f32, from element `weightAt`
   */
  rmsNorm(
    out: Float32Array,
    x: Float32Array,
    at: number,
    weight: Float32Array,
    weightAt: number,
    rows: number,
    size: number,
  ): void {
    const to = this.#address(out, 0, rows * size);
    const from = this.#address(x, at, rows * size);
    this.#wasm.rmsNorm(to, from, this.#address(weight, weightAt, size), rows, size);
  }

  /**
   * Turns the pairs (2i, 2i+1) of every head of queries or keys, in place.
   * @param vectors [rows][size] f32 from element `at`, size a multiple of headSize
   * @param turns [positions][headSize/2][cos, sin] f32, of which the row at `firstPosition` is the first row's
   */
  applyRope(
    vectors: Float32Array,
    at: number,
    rows: number,
    size: number,
    headSize: number,
    turns: Float32Array,
    firstPosition: number,
  ): void {
    const address = this.#address(vectors, at, rows * size);
    const first = this.#address(turns, firstPosition * headSize, rows * headSize);
    this.#wasm.applyRope(address, rows, size, headSize, first);
  }

  /**
   * Causal attention of rows at consecutive positions, each over all up to its own.
   * @param out, query [rows][headCount][headSize] f32
   * @param keys, values [positions][kvHeadCount][headSize] f32, from element `cacheAt`: one layer's cache
   */
  attention(
    out: Float32Array,
    query: Float32Array,
    keys: Float32Array,
    values: Float32Array,
    cacheAt: number,
    firstPosition: number,
    rows: number,
    { headCount, kvHeadCount, headSize }: AttentionShape,
  ): void {
    const elements = rows * headCount * headSize;
    const cached = (firstPosition + rows) * kvHeadCount * headSize;
    const scoresStride = Math.floor(this.#scores.length / headCount);
    if (scoresStride < firstPosition + rows) throw new RangeError('attention: more positions than scores');
    this.#wasm.attention(
      this.#address(out, 0, elements),
      this.#address(query, 0, elements),
      this.#address(keys, cacheAt, cached),
      this.#address(values, cacheAt, cached),
      this.#scores.byteOffset,
      scoresStride * 4,
      rows,
      firstPosition,
      headCount,
      kvHeadCount,
      headSize,
    );
  }

  /** gate = silu(gate) * up, element by element; silu(z) = z / (1 + exp(-z)). Both have `count` elements. */
  swiglu(gate: Float32Array, up: Float32Array, count: number): void {
    this.#wasm.swiglu(this.#address(gate, 0, count), this.#address(up, 0, count), count);
  }

  /**
   * Rounds activations to FP16 (nearest, ties to even) in the NPU's layout and copies them into DMA memory, at once and in
   * order. Padding becomes zero.
   * @param activations [rows][columns] f32
   * @param features [columns filled up to a multiple of 32, / 8][featureRows][8] f16 in DMA memory, or larger
   * @returns index of the first activation that FP16 cannot hold (NaN, or 65520 and beyond): nothing was copied; or -1
   */
  roundFeatures(
    activations: Float32Array,
    rows: number,
    columns: number,
    features: Uint16Array,
    featureRows: number,
  ): number {
    const from = this.#address(activations, 0, rows * columns);
    const halves = this.#beginning(Math.ceil(columns / 32) * 32 * featureRows);
    if (rows > featureRows) throw new RangeError(`roundFeatures: ${rows} rows for a job of ${featureRows}`);
    const beyond = this.#wasm.roundFeatures(from, rows, columns, halves.byteOffset, featureRows);
    if (beyond === -1) features.set(halves);
    return beyond;
  }

  /**
   * Copies a result out of DMA memory, at once, and its rows to where they belong.
   * @param result [count filled up to a multiple of 4, / 4][resultRows][4] f32 in DMA memory; [count] with one row
   * @param rows how many of its rows are wanted
   * @param into [rows][columns] f32 from element `at`: the first `count` columns are written
   */
  unpackResult(
    result: Float32Array,
    resultRows: number,
    rows: number,
    count: number,
    into: Float32Array,
    at: number,
    columns: number,
  ): void {
    const to = this.#address(into, at, (rows - 1) * columns + count);
    const elements = resultRows === 1 ? count : Math.ceil(count / 4) * 4 * resultRows;
    if (result.length !== elements || rows > resultRows) {
      throw new RangeError(
        `unpackResult: ${rows} x ${count} of ${result.length} elements with ${resultRows} rows`,
      );
    }
    if (resultRows === 1) {
      into.set(result, at);
      return;
    }
    this.#results.set(result);
    this.#wasm.unpackResult(this.#results.byteOffset, resultRows, rows, count, to, columns * 4);
  }

  /**
   * A row of an embedding as f32, copied run by run: from write-combined memory each load by itself would be slow.
   * @param halves f16, in DMA or ordinary memory, the row beginning at element `first`
   * @param runs of the row; its last may be longer than the row
   * @param into [count] f32 from element `at`
   */
  embeddingRow(
    halves: Uint16Array,
    first: number,
    { run, stride }: HalfRuns,
    into: Float32Array,
    at: number,
    count: number,
  ): void {
    const to = this.#address(into, at, count);
    // subarray would only cut short what is beyond.
    const end = first + (Math.ceil(count / run) - 1) * stride + run;
    if (first < 0 || end > halves.length) {
      throw new RangeError(`embeddingRow: halves ${first} to ${end - 1} of ${halves.length}`);
    }
    for (let done = 0, from = first; done < count; done += run, from += stride) {
      this.#halves.set(halves.subarray(from, from + run), done);
    }
    this.#wasm.widenHalves(this.#halves.byteOffset, to, count);
  }

  #address(array: Float32Array, at: number, count: number): number {
    if (array.buffer !== this.#buffer)
      throw new RangeError('an array that is not in the memory of the kernels');
    if (at < 0 || at + count > array.length) {
      throw new RangeError(`elements ${at} to ${at + count - 1} of an array of ${array.length}`);
    }
    return array.byteOffset + at * 4;
  }

  #beginning(length: number): Uint16Array {
    let view = this.#beginnings.get(length);
    if (view === undefined) {
      if (length > this.#halves.length)
        throw new RangeError(`${length} features, room for ${this.#halves.length}`);
      view = this.#halves.subarray(0, length);
      this.#beginnings.set(length, view);
    }
    return view;
  }
}
