import type { TiledMatrix } from '@npu-llama/format';
import type { DmaBuffer, NpuDriver } from '../driver/driver.js';
import {
  disassemble,
  type OutputRange,
  PROGRAM_BYTES,
  PROGRAM_WORDS,
  ProgramCache,
  splitOutputs,
} from '../program/index.js';
import type { ModelCounters } from './counters.js';
import { type JobTask, type JobVariant, MatrixJob, resultSegments } from './matrix-job.js';
import type { MemoryPlan } from './memory-plan.js';

/** The DMA buffers of a plan. */
export interface ModelBuffers {
  readonly weights: readonly DmaBuffer[];
  readonly features: DmaBuffer;
  readonly results: DmaBuffer;
  readonly programs: DmaBuffer;
  readonly tasks: DmaBuffer;
}

export interface BuildJobsOptions {
  readonly driver: NpuDriver;
  readonly cores: number;
  readonly plan: MemoryPlan;
  readonly matrices: readonly TiledMatrix[];
  readonly buffers: ModelBuffers;
  readonly counters: ModelCounters;
}

/** Writes every program and task record into DMA memory, once, and prepares every job. */
export function buildJobs(options: BuildJobsOptions): MatrixJob[] {
  const { matrices, plan, buffers, counters } = options;
  const writer = new TaskWriter(options.driver, buffers);
  const { bytes } = buffers.features;
  const features = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const jobs = matrices.map((matrix, index) => {
    const weights = buffers.weights[index]!;
    const variants = plan.rowVariants.map(rows => buildVariant(options, writer, matrix, weights, rows));
    return new MatrixJob(matrix, variants, features, counters);
  });
  // Of the result so that no line of it is written back later, over what the NPU wrote.
  for (const buffer of [buffers.tasks, buffers.results]) {
    options.driver.prepareSync(buffer, 'to-device', 0, buffer.bytes.length).run();
  }
  return jobs;
}

function buildVariant(
  { driver, cores, buffers }: BuildJobsOptions,
  writer: TaskWriter,
  matrix: TiledMatrix,
  weights: DmaBuffer,
  rows: number,
): JobVariant {
  const { results } = buffers;
  const perCore = splitOutputs(matrix.paddedRows, cores);
  // Each task's result is a block of its own, [count/4][M][4]; the blocks follow each other.
  const resultOffset = (task: OutputRange): number => rows * task.first * 4;
  const coreRanges = perCore.map(tasks => writer.writeChain(matrix, weights, rows, tasks, resultOffset));
  const { buffer, byteOffset } = results.bytes;
  const tasks = perCore.flatMap((ranges, core) =>
    ranges.map((range, link): JobTask => {
      const result = new Float32Array(buffer, byteOffset + resultOffset(range), rows * range.count);
      return { core, link, firstRow: range.first, rows: range.count, result };
    }),
  );
  const resultBytes = rows * matrix.paddedRows * 4;
  const label = `${matrix.name} with ${rows} row${rows === 1 ? '' : 's'}`;
  return {
    rows,
    submit: driver.prepareJob({
      label,
      taskBuffer: buffers.tasks,
      cores: coreRanges,
      uses: [weights, buffers.features, results, buffers.programs],
    }),
    syncResult: driver.prepareSync(results, 'from-device', 0, resultBytes),
    tasks,
    segments: resultSegments(matrix.parts, tasks, rows),
  };
}

/** Appends programs and task records to their buffers. */
class TaskWriter {
  #nextTask = 0;
  readonly #programs = new ProgramCache();
  readonly #dumped = process.env['NPU_DUMP'] ?? '';

  constructor(
    private readonly driver: NpuDriver,
    private readonly buffers: ModelBuffers,
  ) {}

  /** Writes the chained tasks of one core. */
  writeChain(
    matrix: TiledMatrix,
    weights: DmaBuffer,
    rows: number,
    tasks: readonly OutputRange[],
    resultOffset: (task: OutputRange) => number,
  ): { firstTask: number; taskCount: number } {
    const { programs, features, results } = this.buffers;
    const firstTask = this.#nextTask;
    tasks.forEach((task, i) => {
      const index = this.#nextTask++;
      const address = programs.dmaAddress + index * PROGRAM_BYTES;
      const { bytes } = programs;
      const words = new Uint32Array(
        bytes.buffer,
        bytes.byteOffset + index * PROGRAM_BYTES,
        2 * PROGRAM_WORDS,
      );
      const isLast = i === tasks.length - 1;
      this.#programs.write(
        {
          rows,
          columns: matrix.paddedColumns,
          outputs: task.count,
          featureAddress: features.dmaAddress,
          weightAddress: weights.dmaAddress + task.first * matrix.paddedColumns * 2,
          outputAddress: results.dmaAddress + resultOffset(task),
          outputFormat: 'fp32',
        },
        words,
        isLast ? undefined : { address: address + PROGRAM_BYTES, words: PROGRAM_WORDS },
      );
      this.driver.writeTaskRecord(this.buffers.tasks, index, address, PROGRAM_WORDS);
      if (this.#dumped === matrix.name) dump(matrix, rows, task, words);
    });
    return { firstTask, taskCount: tasks.length };
  }
}

/** NPU_DUMP=layers.0.wo shows that matrix's programs on stderr. */
function dump(matrix: TiledMatrix, rows: number, task: OutputRange, words: Uint32Array): void {
  const title = `npu: program of ${matrix.name}, ${rows} row(s), outputs ${task.first} to ${task.first + task.count - 1}`;
  process.stderr.write(`${[title, ...disassemble(words)].join('\n')}\n`);
}
