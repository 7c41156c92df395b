import { CLASSIFIER_MATRIX, LAYER_MATRICES, type ModelConfig, UsageError } from '@npu-llama/format';
import type { DmaBuffer } from '../driver/driver.js';
import { CpuKernels, KernelMemory } from '../kernels/index.js';
import type { MatrixJob } from './matrix-job.js';
import type { PlacedMatrix } from './placed-matrix.js';
import type { Turn } from './turn.js';
import { scratchSizes } from './workspace.js';

export interface ModelMatricesParts {
  readonly config: ModelConfig;
  /** In the order of the data flow. */
  readonly jobs: readonly MatrixJob[];
  /** Of each job. */
  readonly weights: readonly DmaBuffer[];
  readonly turn: Turn;
}

interface Entry {
  readonly job: MatrixJob;
  readonly weights: DmaBuffer;
}

/** Where activations are rounded: of no session. */
interface Stage {
  readonly kernels: CpuKernels;
  /** [maxRows][the most columns] f32 */
  readonly activations: Float32Array;
}

/** A model's matrices one by one, outside of any session. */
export class ModelMatrices {
  readonly placed: readonly PlacedMatrix[];
  readonly #config: ModelConfig;
  readonly #turn: Turn;
  readonly #entries: ReadonlyMap<string, Entry>;
  #stage: Stage | undefined;

  constructor({ config, jobs, weights, turn }: ModelMatricesParts) {
    this.#config = config;
    this.#turn = turn;
    this.#entries = new Map(jobs.map((job, i) => [job.matrix.name, { job, weights: weights[i]! }]));
    this.placed = Array.from(this.#entries.values(), placedMatrix);
  }

  /** As NpuModel.multiply. */
  multiply(name: string, activations: Float32Array, rows: number): Float32Array {
    const { job } = this.#entry(name);
    const { columns, paddedRows } = job.matrix;
    if (!Number.isInteger(rows) || rows < 1 || rows > job.maxRows) {
      throw new UsageError(`${name}: impossible number of rows`, {
        got: String(rows),
        wanted: `1 to ${job.maxRows}`,
      });
    }
    if (activations.length !== rows * columns) {
      throw new UsageError(`${name}: activations of another size`, {
        got: `${activations.length}`,
        wanted: `${rows} x ${columns}`,
      });
    }
    return this.#turn.take(() => {
      const output = new Float32Array(rows * paddedRows);
      this.#stage ??= this.#createStage();
      this.#stage.activations.set(activations);
      job.run(this.#stage.kernels, this.#stage.activations, rows);
      job.readAll(output);
      return output;
    });
  }

  /** As NpuModel.readWeights. */
  readWeights(name: string): Uint8Array {
    return new Uint8Array(this.#entry(name).weights.bytes);
  }

  #createStage(): Stage {
    const jobs = Array.from(this.#entries.values(), ({ job }) => job);
    const rows = Math.max(...jobs.map(({ maxRows }) => maxRows));
    const columns = Math.max(...jobs.map(({ matrix }) => matrix.columns));
    const { features } = scratchSizes(rows, columns);
    const sizes = { activations: rows * columns, features, results: 0, scores: 0 };
    const memory = new KernelMemory(sizes, 'the activations of one matrix');
    return { kernels: new CpuKernels(memory), activations: memory.arrays.activations };
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    const lastLayer = this.#config.layerCount - 1;
    const ofLayer = LAYER_MATRICES.map(matrix => `layers.N.${matrix}`).join(', ');
    throw new UsageError('no such matrix', {
      got: name,
      wanted: `${ofLayer} with N from 0 to ${lastLayer}, or ${CLASSIFIER_MATRIX}`,
    });
  }
}

function placedMatrix({ job, weights }: Entry): PlacedMatrix {
  const { name, columns, paddedColumns, paddedRows } = job.matrix;
  const { label, dmaAddress, bytes } = weights;
  return {
    name,
    columns,
    paddedColumns,
    paddedRows,
    buffer: { label, dmaAddress, bytes: bytes.length },
    variants: job.placed,
  };
}
