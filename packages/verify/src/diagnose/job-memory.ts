import type { TiledMatrix } from '@npu-llama/format';

// Looked up once, for the inner loops: see product-row.ts.
const { floor } = Math;
const { NaN: UNSEEN } = Number;

/** One product as the memory of its job sees it. */
export interface JobRows {
  readonly rows: number;
  readonly jobRows: number;
  /** [rows][columns] f32 */
  readonly input: Float32Array;
  /** [rows][paddedRows] f32 */
  readonly output: Float32Array;
}

/** What stood in a job's memory before it ran, read as its own: NaN where that was never seen. */
export interface MemoryBefore {
  /** [rows][columns] f32 */
  readonly input: Float32Array;
  /** [rows][paddedRows] f32 */
  readonly output: Float32Array;
  /** As input, but before the first of several jobs of the same matrix. */
  readonly firstInput?: Float32Array;
}

/** Surface strides that are tried, in rows of 16 bytes: off by one row, or by a unit of four. */
export const STRIDES = [1, -1, 4, -4] as const;

/**
 * The feature and the result memory that all jobs share, element by element: whoever reads old data reads what an earlier
 * job left at the same addresses. Features are [K/8][M][8], FP32 results [N/4][M][4] (a result split into tasks has the
 * same addresses, because each begins at a multiple of 4).
 */
export class JobMemory {
  #features: Float32Array = new Float32Array(0);
  #results: Float32Array = new Float32Array(0);
  #kept: Float32Array | undefined;

  /** Keeps the features as they are now, for firstInput of what follows. */
  keepFeatures(): void {
    this.#kept = this.#features.slice();
  }

  /** What stands where a job will read and write: to be asked before noting it. */
  before({ columns, paddedRows }: TiledMatrix, { rows, jobRows }: JobRows): MemoryBefore {
    return {
      input: gather(this.#features, rows, columns, jobRows, 8),
      output: gather(this.#results, rows, paddedRows, jobRows, 4),
      ...(this.#kept !== undefined && { firstInput: gather(this.#kept, rows, columns, jobRows, 8) }),
    };
  }

  /**
   * The features that a job just noted would read if its surfaces lay `off` rows further apart than they should: [rows][columns]
   * f32, NaN where that was never seen.
   */
  strided({ columns }: TiledMatrix, { rows, jobRows }: JobRows, off: number): Float32Array {
    const out = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < columns; c++) {
        const surface = floor(c / 8) * (jobRows + off) * 8;
        out[row * columns + c] = this.#features[surface + row * 8 + (c % 8)] ?? UNSEEN;
      }
    }
    return out;
  }

  /** Notes what a job was given and left. Of the rows that do not count features are zero and results not known. */
  note({ columns, paddedColumns, paddedRows }: TiledMatrix, job: JobRows): void {
    const { rows, jobRows, input, output } = job;
    this.#features = grown(this.#features, paddedColumns * jobRows);
    this.#results = grown(this.#results, paddedRows * jobRows);
    this.#features.fill(0, 0, paddedColumns * jobRows);
    this.#results.fill(Number.NaN, 0, paddedRows * jobRows);
    scatter(input, this.#features, rows, columns, jobRows, 8);
    scatter(output, this.#results, rows, paddedRows, jobRows, 4);
  }
}

/** Where row m's channel c of surfaces of `width` channels stands. */
function element(channel: number, row: number, jobRows: number, width: number): number {
  const inSurface = channel % width;
  return (channel - inSurface) * jobRows + row * width + inSurface;
}

function scatter(
  from: Float32Array,
  into: Float32Array,
  rows: number,
  channels: number,
  jobRows: number,
  width: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) into[element(c, row, jobRows, width)] = from[row * channels + c]!;
  }
}

function gather(
  from: Float32Array,
  rows: number,
  channels: number,
  jobRows: number,
  width: number,
): Float32Array {
  const out = new Float32Array(rows * channels);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) {
      out[row * channels + c] = from[element(c, row, jobRows, width)] ?? UNSEEN;
    }
  }
  return out;
}

function grown(memory: Float32Array, length: number): Float32Array {
  if (memory.length >= length) return memory;
  const larger = new Float32Array(length).fill(Number.NaN);
  larger.set(memory);
  return larger;
}
