import type { MatrixPart, TiledMatrix } from '@npu-llama/format';
import { RESULT_CHANNELS, unpackResult } from '@npu-llama/format/tiles';
import type { Prepared } from '../driver/driver.js';
import { NumericError } from '../errors.js';
import type { CpuKernels } from '../kernels/index.js';
import type { ModelCounters } from './counters.js';
import type { PlacedTask, PlacedVariant } from './placed-matrix.js';

/** A task of a job, and where its outputs are. */
export interface JobTask extends PlacedTask {
  /** [rows/4][M][4] f32: all of the task's result, in DMA memory. */
  readonly result: Float32Array;
}

/** A range of one part's rows within one task's result. */
interface ResultSegment {
  /**
   * [count filled up to a multiple of 4, / 4][M][4] f32 of the task's result, from the first output that belongs to the part;
   * with one row [count].
   */
  readonly result: Float32Array;
  readonly count: number;
  /** Column of the part that the first is. */
  readonly partColumn: number;
}

/** The job of one matrix for one row count: everything prepared when the model was loaded. */
export interface JobVariant {
  /** M. */
  readonly rows: number;
  readonly submit: Prepared;
  readonly syncResult: Prepared;
  /** Core by core, link by link. */
  readonly tasks: readonly JobTask[];
  /** Of each of the matrix's parts. */
  readonly segments: readonly (readonly ResultSegment[])[];
}

/**
 * Finds where each part's outputs stand in the tasks' results.
 * @param variantRows M
 */
export function resultSegments(
  parts: readonly MatrixPart[],
  tasks: readonly JobTask[],
  variantRows: number,
): ResultSegment[][] {
  return parts.map(part => {
    const segments: ResultSegment[] = [];
    for (const task of tasks) {
      const first = Math.max(part.firstRow, task.firstRow);
      const end = Math.min(part.firstRow + part.rows, task.firstRow + task.rows);
      if (first >= end) continue;
      const count = end - first;
      const at = (first - task.firstRow) * variantRows;
      // Parts and tasks begin at 16-row groups: whole blocks of 4 outputs.
      const elements =
        variantRows === 1 ? count : Math.ceil(count / RESULT_CHANNELS) * RESULT_CHANNELS * variantRows;
      segments.push({
        result: task.result.subarray(at, at + elements),
        count,
        partColumn: first - part.firstRow,
      });
    }
    return segments;
  });
}

/** One matrix on the NPU: C[M,N] = A[M,K] . B[N,K]^T. */
export class MatrixJob {
  /** Of the last job that succeeded. */
  #last: JobVariant | undefined;
  #lastRows = 0;

  constructor(
    readonly matrix: TiledMatrix,
    /** Ascending by rows. */
    private readonly variants: readonly JobVariant[],
    /** Shared by all jobs: room for the largest A. */
    private readonly features: Uint16Array,
    private readonly counters: ModelCounters,
  ) {}

  /** The most rows that a job takes. */
  get maxRows(): number {
    return this.variants[this.variants.length - 1]!.rows;
  }

  /** The tasks of every variant. */
  get placed(): PlacedVariant[] {
    return this.variants.map(({ rows, tasks }) => {
      return { rows, tasks: tasks.map(({ result: _, ...task }) => task) };
    });
  }

  /**
   * Multiplies; the result stays in DMA memory until the next job, for read().
   * @param activations [rows][columns] f32 in the kernels' memory
   * @throws NumericError when FP16 cannot hold an activation, DeviceError when the job fails
   */
  run(kernels: CpuKernels, activations: Float32Array, rows: number): void {
    const { matrix, counters } = this;
    const variant = this.#variantFor(rows);
    this.#last = undefined;
    const bad = kernels.roundFeatures(activations, rows, matrix.columns, this.features, variant.rows);
    if (bad !== -1) {
      throw new NumericError(`${matrix.name}: an input is beyond FP16`, {
        got: `${activations[bad]} at row ${Math.floor(bad / matrix.columns)}, column ${bad % matrix.columns}`,
        wanted: 'less than 65520 in magnitude',
        next: 'the model (or the step before) produces values that this NPU cannot multiply',
      });
    }
    const start = performance.now();
    variant.submit.run();
    variant.syncResult.run();
    counters.deviceMs += performance.now() - start;
    counters.submits++;
    counters.syncs++;
    counters.bytesToDevice += variant.rows * matrix.paddedColumns * 2;
    this.#last = variant;
    this.#lastRows = rows;
  }

  /**
   * Reads one part of the last result.
   * @param part index into matrix.parts
   * @param into [rows][part.rows] f32 in the kernels' memory, beginning at element `at`
   */
  read(kernels: CpuKernels, part: number, into: Float32Array, at = 0): void {
    const variant = this.#lastVariant;
    const columns = this.matrix.parts[part]!.rows;
    const segments = variant.segments[part]!;
    for (let i = 0; i < segments.length; i++) {
      const { result, count, partColumn } = segments[i]!;
      kernels.unpackResult(result, variant.rows, this.#lastRows, count, into, at + partColumn, columns);
      this.counters.bytesFromDevice += result.byteLength;
    }
  }

  /**
   * Reads one part of the last result to where no kernel goes on with it.
   * @param part index into matrix.parts
   * @param into [rows][part.rows] f32 anywhere, beginning at element `at`
   */
  readOut(part: number, into: Float32Array, at = 0): void {
    const { rows: variantRows, segments } = this.#lastVariant;
    const rows = this.#lastRows;
    const columns = this.matrix.parts[part]!.rows;
    for (const { result, count, partColumn } of segments[part]!) {
      if (variantRows === 1) into.set(result, at + partColumn);
      else unpackResult(result, variantRows, 0, count, rows, into.subarray(at), columns, partColumn);
    }
    this.counters.bytesFromDevice += rows * columns * 4;
  }

  /**
   * Reads every output of the last result, padding included.
   * @param into [rows][paddedRows] f32
   * @returns M of the job
   */
  readAll(into: Float32Array): number {
    const variant = this.#lastVariant;
    const rows = this.#lastRows;
    const { paddedRows } = this.matrix;
    for (const { result, firstRow, rows: count } of variant.tasks) {
      unpackResult(result, variant.rows, 0, count, rows, into, paddedRows, firstRow);
    }
    this.counters.bytesFromDevice += rows * paddedRows * 4;
    return variant.rows;
  }

  /** The smallest that takes the rows. */
  #variantFor(rows: number): JobVariant {
    for (let i = 0; i < this.variants.length; i++) {
      if (this.variants[i]!.rows >= rows) return this.variants[i]!;
    }
    throw new RangeError(`${this.matrix.name}: no job for ${rows} rows`);
  }

  get #lastVariant(): JobVariant {
    if (this.#last === undefined) throw new RangeError(`${this.matrix.name}: no result to read`);
    return this.#last;
  }
}
