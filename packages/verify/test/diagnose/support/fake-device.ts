import { floatToHalf, halfToFloat, halfValues, type TiledMatrix } from '@npu-llama/format';
import type { ModelWeights } from '../../../src/diagnose/index.js';
import type { MatrixRun, NpuUnderTest, PlacedMatrix, TaskRange } from '../../../src/npu/npu-under-test.js';
import { FakeSession, type StepFaults } from './fake-session.js';

/** What is wrong with one job of the device. */
export interface JobFault {
  /** Cores that write nothing. */
  readonly idleCores?: readonly number[];
  /** Surfaces of features, of results further apart than programmed. */
  readonly featureStride?: number;
  readonly resultStride?: number;
  /** The features stay those of the job before. */
  readonly staleFeatures?: true;
  /** Results leave as halves, where floats are read. */
  readonly fp16Results?: true;
  /** From this column on, one tile of features takes no part. */
  readonly featureTail?: number;
  /** A sum with one more term; plain addition where there is none. */
  readonly sum?: (sum: number, weight: number, feature: number) => number;
  /** Results are added to what stands there. */
  readonly accumulate?: true;
  /** What a task makes of an output. */
  readonly output?: (
    value: number,
    at: { n: number; task: TaskRange; row: number; values: Float64Array },
  ) => number;
}

export interface FakeDeviceOptions {
  readonly cores?: number;
  /** M that there are jobs for. */
  readonly variants?: readonly number[];
  /** Tasks on each core. */
  readonly links?: number;
  /** Asked for every job. */
  readonly jobFault?: (job: { matrix: string; jobRows: number; count: number }) => JobFault | undefined;
  readonly steps?: StepFaults;
}

/**
 * A device in plain numbers: features, results and weights in memory as the NPU has them, multiplied in double. Its faults are
 * those of programs, memory and cores.
 */
export class FakeDevice implements NpuUnderTest {
  readonly device = {
    description: 'fake',
    kind: 'sim',
    driver: 'none',
    cores: 3,
    decodeRows: 1,
    ffi: 'none',
  } as const;
  readonly matrices: readonly PlacedMatrix[];
  /** [N/16][K/32][16][32] f16 by matrix: change it to damage the memory. */
  readonly tiles: ReadonlyMap<string, Uint16Array>;
  readonly #layouts: ReadonlyMap<string, TiledMatrix>;
  readonly #features = new Float32Array(1 << 16).fill(Number.NaN);
  readonly #results = new Float32Array(1 << 16).fill(Number.NaN);
  #jobs = 0;

  constructor(
    readonly weights: ModelWeights,
    readonly options: FakeDeviceOptions = {},
  ) {
    const { cores = 3, variants = [1, 4, 16], links = 1 } = options;
    this.tiles = new Map(weights.matrices.map(({ name }) => [name, weights.tiles(name).slice()]));
    this.#layouts = new Map(weights.matrices.map(matrix => [matrix.name, matrix]));
    this.matrices = weights.matrices.map(({ name, paddedColumns, paddedRows }) => ({
      name,
      paddedColumns,
      paddedRows,
      buffer: { label: `weights of ${name}`, dmaAddress: 0x1000, bytes: paddedRows * paddedColumns * 2 },
      variants: variants.map(rows => ({ rows, tasks: tasksOf(paddedRows, cores, links) })),
    }));
  }

  createSession() {
    return this.watch(() => {});
  }

  watch(onMatrix: (run: MatrixRun) => void): FakeSession {
    return new FakeSession(this, onMatrix, this.options.steps ?? {});
  }

  async multiply(matrix: string, input: Float32Array, rows: number): Promise<Float32Array> {
    return this.run(matrix, input, rows).output;
  }

  readWeights(matrix: string): Uint8Array {
    return new Uint8Array(this.tiles.get(matrix)!.slice().buffer);
  }

  createSampler(): never {
    throw new Error('a fake does not sample');
  }

  async reset(): Promise<void> {}
  async close(): Promise<void> {}

  /** Packs, multiplies, unpacks. */
  run(name: string, input: Float32Array, rows: number): { output: Float32Array; jobRows: number } {
    const layout = this.#layouts.get(name)!;
    const { columns, paddedColumns, paddedRows } = layout;
    const variant = this.matrices.find(matrix => matrix.name === name)!.variants.find(v => v.rows >= rows)!;
    const M = variant.rows;
    const fault = this.options.jobFault?.({ matrix: name, jobRows: M, count: this.#jobs++ }) ?? {};
    if (!fault.staleFeatures) {
      for (let m = 0; m < M; m++) {
        for (let k = 0; k < paddedColumns; k++) {
          const value = m < rows && k < columns ? halfToFloat(floatToHalf(input[m * columns + k]!)) : 0;
          this.#features[Math.floor(k / 8) * M * 8 + m * 8 + (k % 8)] = value;
        }
      }
    }
    for (const task of variant.tasks) {
      if (!fault.idleCores?.includes(task.core)) this.#task(layout, task, M, fault);
    }
    const output = new Float32Array(rows * paddedRows);
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < paddedRows; n++) {
        output[m * paddedRows + n] = this.#results[Math.floor(n / 4) * M * 4 + m * 4 + (n % 4)]!;
      }
    }
    return { output, jobRows: M };
  }

  #task({ name, paddedColumns }: TiledMatrix, task: TaskRange, M: number, fault: JobFault): void {
    const tiles = this.tiles.get(name)!;
    const decoded = halfValues();
    const tail = fault.featureTail === undefined ? -1 : fault.featureTail >> 5;
    const halves = new Uint16Array(this.#results.buffer);
    const featureRows = M + (fault.featureStride ?? 0);
    const resultRows = M + (fault.resultStride ?? 0);
    for (let m = 0; m < M; m++) {
      const values = new Float64Array(task.rows);
      for (let n = 0; n < task.rows; n++) {
        const row = task.firstRow + n;
        const start = Math.floor(row / 16) * 16 * paddedColumns + (row % 16) * 32;
        let sum = 0;
        for (let k = 0; k < paddedColumns; k++) {
          if (k >> 5 === tail) continue;
          const feature = this.#features[(k >> 3) * featureRows * 8 + m * 8 + (k & 7)]!;
          const weight = decoded[tiles[start + (k >> 5) * 512 + (k & 31)]!]!;
          sum = fault.sum?.(sum, weight, feature) ?? sum + weight * feature;
        }
        values[n] = sum;
      }
      const out = Array.from(
        values,
        (value, n) => fault.output?.(value, { n: task.firstRow + n, task, row: m, values }) ?? value,
      );
      const base = task.firstRow * M;
      for (const [n, value] of out.entries()) {
        if (fault.fp16Results) {
          halves[base * 2 + Math.floor(n / 8) * resultRows * 8 + m * 8 + (n % 8)] = floatToHalf(value);
          continue;
        }
        const at = base + Math.floor(n / 4) * resultRows * 4 + m * 4 + (n % 4);
        this.#results[at] = fault.accumulate ? value + this.#results[at]! : value;
      }
    }
  }
}

/** Whole groups to the cores in turn, and each core's share to its links. */
function tasksOf(paddedRows: number, cores: number, links: number): TaskRange[] {
  const groups = paddedRows / 16;
  const shares = Math.min(cores * links, groups);
  return Array.from({ length: shares }, (_, i) => {
    const first = Math.floor((groups * i) / shares);
    const end = Math.floor((groups * (i + 1)) / shares);
    return { core: Math.floor(i / links), link: i % links, firstRow: first * 16, rows: (end - first) * 16 };
  });
}
