import { kvDim, type ModelConfig, type TiledMatrix, UsageError } from '@npu-llama/format';
import type { MatrixRun } from '../npu/npu-under-test.js';
import { JobMemory, type MemoryBefore, STRIDES } from './job-memory.js';

/** One position's product with one matrix. */
export interface RecordedRow {
  readonly position: number;
  /** Counts the products of the recording: rows of one job share it. */
  readonly job: number;
  /** M of the job, and which of its rows this is. */
  readonly jobRows: number;
  readonly jobRow: number;
  /** [columns] f32, before rounding to FP16 */
  readonly input: Float32Array;
  /** [paddedRows] f32 */
  readonly output: Float32Array;
  /** What stood in the job's memory before it ran: [columns] and [paddedRows] f32. */
  readonly before: MemoryBefore;
  /** [columns] f32 by how much further apart the surfaces of the features might have been read. */
  readonly strided: ReadonlyMap<number, Float32Array>;
}

/** The key and the value of one position in one layer as their products gave them: [kvDim] f32, the key not yet turned. */
export interface TracedKeyValue {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

export interface RecorderOptions {
  readonly config: ModelConfig;
  /** Of the .npu file, in the order of the data flow. */
  readonly matrices: readonly TiledMatrix[];
  /** Whether a position is to be audited: everything of it is kept. Of others only keys and values are. */
  readonly audited: (position: number) => boolean;
}

/**
 * Keeps what an audit needs of a session that is watched: give `onMatrix` to NpuUnderTest.watch. For each audited
 * position about 24 bytes for each input and 8 for each output of a matrix (stories110M: 3 MB), for every other
 * 8 * kvDim * layers.
 */
export class Recorder {
  readonly config: ModelConfig;
  readonly matrices: readonly TiledMatrix[];
  readonly #audited: (position: number) => boolean;
  readonly #layouts: ReadonlyMap<string, TiledMatrix>;
  readonly #rows = new Map<string, Map<number, RecordedRow>>();
  readonly #keyValues: Map<number, TracedKeyValue>[];
  readonly #memory = new JobMemory();
  #jobs = 0;

  constructor({ config, matrices, audited }: RecorderOptions) {
    this.config = config;
    this.matrices = matrices;
    this.#audited = audited;
    this.#layouts = new Map(matrices.map(matrix => [matrix.name, matrix]));
    this.#keyValues = Array.from({ length: config.layerCount }, () => new Map());
  }

  /** To be told of every product of a session, from position 0 on. */
  readonly onMatrix = (run: MatrixRun): void => {
    const layout = this.#layouts.get(run.matrix);
    if (layout === undefined) throw new UsageError(`a product of ${run.matrix}, which the model has not`);
    const { columns, paddedRows } = layout;
    const wanted = run.rows * columns;
    if (run.input.length !== wanted || run.output.length !== run.rows * paddedRows) {
      throw new UsageError(`${run.matrix}: a product of another shape`, {
        got: `${run.input.length} inputs, ${run.output.length} outputs`,
        wanted: `${wanted} and ${run.rows * paddedRows} for ${run.rows} rows`,
      });
    }
    const before = this.#memory.before(layout, run);
    this.#memory.note(layout, run);
    this.#keep(run, layout, before);
    this.#keepKeyValues(run, layout);
    this.#jobs++;
  };

  /** An audited position's product, or undefined where there was none. */
  row(matrix: string, position: number): RecordedRow | undefined {
    return this.#rows.get(matrix)?.get(position);
  }

  keyValue(layer: number, position: number): TracedKeyValue | undefined {
    return this.#keyValues[layer]?.get(position);
  }

  /** The audited positions there are, ascending. */
  positions(): number[] {
    const first = this.#rows.get(this.matrices[0]!.name);
    return first === undefined ? [] : [...first.keys()].sort((a, b) => a - b);
  }

  #keep(run: MatrixRun, layout: TiledMatrix, before: MemoryBefore): void {
    const { columns, paddedRows } = layout;
    const { firstPosition, rows, jobRows } = run;
    const audited = Array.from({ length: rows }, (_, row) => row).filter(row =>
      this.#audited(firstPosition + row),
    );
    if (audited.length === 0) return;
    const strided = STRIDES.map(off => [off, this.#memory.strided(layout, run, off)] as const);
    const of = this.#rows.get(run.matrix) ?? new Map<number, RecordedRow>();
    this.#rows.set(run.matrix, of);
    for (const row of audited) {
      const inputs = [row * columns, (row + 1) * columns] as const;
      const outputs = [row * paddedRows, (row + 1) * paddedRows] as const;
      of.set(firstPosition + row, {
        position: firstPosition + row,
        job: this.#jobs,
        jobRows,
        jobRow: row,
        input: run.input.slice(...inputs),
        output: run.output.slice(...outputs),
        before: { input: before.input.slice(...inputs), output: before.output.slice(...outputs) },
        strided: new Map(strided.map(([off, all]) => [off, all.slice(...inputs)])),
      });
    }
  }

  #keepKeyValues(run: MatrixRun, { parts, paddedRows }: TiledMatrix): void {
    const [, layer, kind] = run.matrix.split('.');
    if (kind !== 'wqkv') return;
    const size = kvDim(this.config);
    const [, wk, wv] = parts;
    for (let row = 0; row < run.rows; row++) {
      const key = row * paddedRows + wk!.firstRow;
      const value = row * paddedRows + wv!.firstRow;
      this.#keyValues[Number(layer)]!.set(run.firstPosition + row, {
        key: run.output.slice(key, key + size),
        value: run.output.slice(value, value + size),
      });
    }
  }
}
