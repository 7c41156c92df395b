import type { TiledMatrix } from '@npu-llama/format';
import { CNA, PROGRAM_BYTES, PROGRAM_WORDS } from '@npu-llama/runtime/testing';
import type { NpuUnderTest } from '../../../src/npu/npu-under-test.js';
import type { FaultyKernel, Memory, Submit, Sync } from './faulty-kernel.js';
import { Program } from './program.js';
import { Tiles } from './tiles.js';

/** A job on its way to the device or back. */
export interface Job {
  /** From 1, counted since the fault was armed. */
  readonly number: number;
  readonly matrix: string;
  /** M. */
  readonly rows: number;
}

/** In place of a call of the driver; `run` makes it. */
export type InPlaceOf<Call> = (job: Job, run: () => void, call: Call) => void;

/** A loaded model on the simulated device, with everything that a fault can be put into. */
export class Board {
  readonly programs: readonly Program[];
  readonly #features: Memory;
  readonly #results: Memory;
  #job: Job = { number: 0, matrix: '', rows: 0 };

  constructor(
    readonly npu: NpuUnderTest,
    private readonly kernel: FaultyKernel,
    private readonly layouts: readonly TiledMatrix[],
  ) {
    // The model's buffers are the last that were made, in this order behind its weights.
    const [features, results, programs] = kernel.memory.slice(-4);
    this.#features = features!;
    this.#results = results!;
    this.programs = this.#readPrograms(programs!);
  }

  /** A matrix in DMA memory. */
  weights(name: string): Tiles {
    const placed = this.npu.matrices.find(matrix => matrix.name === name)!;
    const { bytes } = this.kernel.memory.find(memory => memory.dmaAddress === placed.buffer.dmaAddress)!;
    const layout = this.layouts.find(matrix => matrix.name === name)!;
    return new Tiles(layout, new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
  }

  /** Features of every job: [K/8][M][8] f16 as bits. */
  get features(): Uint16Array {
    const { buffer, byteOffset, length } = this.#features.bytes;
    return new Uint16Array(buffer, byteOffset, length / 2);
  }

  /** Results as the CPU sees them: of each task [N/4][M][4] f32, one behind the other. */
  get results(): Float32Array {
    const { buffer, byteOffset, length } = this.#results.bytes;
    return new Float32Array(buffer, byteOffset, length / 4);
  }

  /** Where output n of row m of a job stands among the results. */
  resultAt(job: Job, m: number, n: number): number {
    const { variants } = this.npu.matrices.find(({ name }) => name === job.matrix)!;
    const { tasks } = variants.find(({ rows }) => rows === job.rows)!;
    const { firstRow } = tasks.find(task => n >= task.firstRow && n < task.firstRow + task.rows)!;
    const inTask = n - firstRow;
    return firstRow * job.rows + Math.floor(inTask / 4) * 4 * job.rows + m * 4 + (inTask % 4);
  }

  /** Does something else instead of submitting jobs. */
  inPlaceOfSubmit(body: InPlaceOf<Submit>): void {
    let number = 0;
    const previous = this.kernel.onSubmit;
    this.kernel.onSubmit = (submit, run) => {
      const start = submit.get('task_start');
      const { matrix, rows } = this.programs[start]!;
      this.#job = { number: ++number, matrix, rows };
      const inner = previous === undefined ? run : () => previous(submit, run);
      body(this.#job, inner, submit);
    };
  }

  /** Does something else instead of the sync that makes a job's results visible to the CPU. */
  inPlaceOfSync(body: InPlaceOf<Sync>): void {
    if (this.kernel.onSubmit === undefined) this.inPlaceOfSubmit((_, run) => run());
    this.kernel.onSync = (sync, run) => body(this.#job, run, sync);
  }

  /** Changes results between the sync and the CPU's reading them. */
  afterSync(body: (job: Job) => void): void {
    this.inPlaceOfSync((job, run) => {
      run();
      body(job);
    });
  }

  #readPrograms({ bytes }: Memory): Program[] {
    return Array.from({ length: Math.floor(bytes.length / PROGRAM_BYTES) }, (_, i) => {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset + i * PROGRAM_BYTES, 2 * PROGRAM_WORDS);
      const known = new Program(words, `program ${i}`, 0, 0, 0, 0);
      const address = known.get(CNA.DCOMP_ADDR0, 'address');
      const rows = known.get(CNA.DATA_SIZE0, 'datain_height');
      const matrix = this.npu.matrices.find(
        ({ buffer }) => address >= buffer.dmaAddress && address < buffer.dmaAddress + buffer.bytes,
      )!;
      const firstRow = (address - matrix.buffer.dmaAddress) / (2 * matrix.paddedColumns);
      const { tasks } = matrix.variants.find(variant => variant.rows === rows)!;
      const { core, link } = tasks.find(task => task.firstRow === firstRow)!;
      return new Program(words, matrix.name, rows, core, link, firstRow);
    });
  }
}
