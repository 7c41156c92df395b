import { formatBytesExactly, type ModelConfig, type TiledMatrix, tiledBytes } from '@npu-llama/format';
import type { DecodeRows } from '../device/index.js';
import type { CacheMode } from '../driver/driver.js';
import { ModelLimitError } from '../errors.js';
import { DMA_WINDOW_BYTES, MAX_COLUMNS, maxRowsFor } from '../hardware/index.js';
import { PROGRAM_BYTES, splitOutputs } from '../program/index.js';

/** A DMA buffer to allocate. */
export interface PlannedBuffer {
  readonly label: string;
  readonly bytes: number;
  readonly cache: CacheMode;
  readonly kernelMapping?: true;
}

/** Everything a model keeps in DMA memory, known before any of it is allocated. */
export interface MemoryPlan {
  /** Row counts M that programs exist for, ascending; the first decodes one token. */
  readonly rowVariants: readonly number[];
  /** One a matrix, in the order of the data flow. */
  readonly weights: readonly PlannedBuffer[];
  /** A of every job. */
  readonly features: PlannedBuffer;
  /** C of every job. */
  readonly results: PlannedBuffer;
  readonly programs: PlannedBuffer;
  readonly tasks: PlannedBuffer;
  /** Tasks of all programs together. */
  readonly taskCount: number;
  readonly totalBytes: number;
}

/** Prompt batches: between them a shorter rest is padded, so a factor of 4 keeps both programs and waste few. */
const BATCH_ROWS = [4, 16, 64];
/** DMA memory comes in pages. */
const PAGE_BYTES = 4096;

/** The M that programs are built for: one for decoding, and batches as far as every matrix's features fit the CBUF. */
export function rowVariantsFor(matrices: readonly TiledMatrix[], decodeRows: DecodeRows): number[] {
  const limit = Math.min(...matrices.map(matrix => maxRowsFor(matrix.paddedColumns)));
  return [decodeRows, ...BATCH_ROWS.filter(rows => rows > decodeRows && rows <= limit)];
}

/**
 * Plans a model's DMA memory.
 * @throws ModelLimitError when a matrix is wider than the NPU takes or all of it is beyond the 4 GiB that it can address
 */
export function planMemory(options: {
  readonly config: ModelConfig;
  readonly matrices: readonly TiledMatrix[];
  readonly cores: number;
  readonly decodeRows: DecodeRows;
  readonly taskRecordBytes: number;
  /** For messages. */
  readonly path: string;
}): MemoryPlan {
  const { matrices, path } = options;
  for (const { name, paddedColumns } of matrices) {
    if (paddedColumns <= MAX_COLUMNS) continue;
    throw new ModelLimitError(`${path}: ${name} is wider than the NPU can hold`, {
      got: `${paddedColumns} columns`,
      wanted: `at most ${MAX_COLUMNS}`,
    });
  }
  const rowVariants = rowVariantsFor(matrices, options.decodeRows);
  const maxRows = rowVariants[rowVariants.length - 1]!;
  const widest = (of: (matrix: TiledMatrix) => number): number => Math.max(...matrices.map(of));
  const tasksPerVariant = matrices.reduce(
    (sum, matrix) => sum + splitOutputs(matrix.paddedRows, options.cores).flat().length,
    0,
  );
  const taskCount = tasksPerVariant * rowVariants.length;

  const weights = matrices.map((matrix): PlannedBuffer => {
    return { label: `weights of ${matrix.name}`, bytes: tiledBytes(matrix), cache: 'write-combine' };
  });
  // Features are written once, in order, by the CPU: write-combined they need no sync. Results are read: cacheable.
  const features: PlannedBuffer = {
    label: 'features',
    bytes: maxRows * widest(matrix => matrix.paddedColumns) * 2,
    cache: 'write-combine',
  };
  const results: PlannedBuffer = {
    label: 'results',
    bytes: maxRows * widest(matrix => matrix.paddedRows) * 4,
    cache: 'cacheable',
  };
  const programs: PlannedBuffer = {
    label: 'programs',
    bytes: taskCount * PROGRAM_BYTES,
    cache: 'write-combine',
  };
  // The kernel reads these through a mapping of its own, cached or not as the memory comes: only cacheable with a sync
  // agrees with both.
  const tasks: PlannedBuffer = {
    label: 'task records',
    bytes: taskCount * options.taskRecordBytes,
    cache: 'cacheable',
    kernelMapping: true,
  };
  const all = [...weights, features, results, programs, tasks];
  const totalBytes = all.reduce((sum, { bytes }) => sum + Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES, 0);
  if (totalBytes > DMA_WINDOW_BYTES) {
    throw new ModelLimitError(`${path}: the model does not fit the 4 GiB that the NPU can address`, {
      got: `${formatBytesExactly(totalBytes)} of DMA memory needed`,
      wanted: `at most ${formatBytesExactly(DMA_WINDOW_BYTES)}`,
      next: 'use a smaller model',
    });
  }
  return { rowVariants, weights, features, results, programs, tasks, taskCount, totalBytes };
}
