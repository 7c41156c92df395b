import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CheckpointFile, type CheckpointTensor, FileError, HALF_MAX } from '@npu-llama/format';
import {
  type OverflowPolicy,
  type RoundingReport,
  UnrepresentableWeightError,
} from '@npu-llama/format/tiles';
import type { Destination } from './destinations.js';
import type { SourceStream } from './source-stream.js';
import type { TensorStreams } from './tensor-streams.js';
import { WeightRounder } from './weight-rounder.js';
import { rowsPerPiece, type WorkingMemory } from './working-memory.js';

/** Converts tensors piece by piece. */
export class WeightConverter {
  readonly #source: CheckpointFile;
  readonly #stream: SourceStream;
  readonly #memory: WorkingMemory;
  readonly #rounder: WeightRounder;
  readonly #target: TensorStreams;
  readonly #overflow: OverflowPolicy;
  #saturated = 0;
  #largest: { error: number; tensor: string } | null = null;

  /** @param stream of the source, through the memory */
  constructor(
    source: CheckpointFile,
    stream: SourceStream,
    memory: WorkingMemory,
    target: TensorStreams,
    overflow: OverflowPolicy,
  ) {
    this.#source = source;
    this.#stream = stream;
    this.#memory = memory;
    this.#rounder = new WeightRounder(memory);
    this.#target = target;
    this.#overflow = overflow;
  }

  /** Finite weights clamped so far. */
  get saturated(): number {
    return this.#saturated;
  }

  /** The largest rounding error so far, and the tensor that has it. */
  get largestRoundingError(): { readonly error: number; readonly tensor: string } | null {
    return this.#largest;
  }

  /**
   * Converts one tensor.
   * @param onPiece called after every piece with its number of bytes in the .npu file
   * @throws FileError naming the weight that FP16 cannot hold
   */
  async convert({ source, target, form }: Destination, onPiece: (bytes: number) => void): Promise<void> {
    const { rows, columns } = source;
    const pieceRows = rowsPerPiece(columns);
    const report: RoundingReport = { largestError: 0, saturated: 0 };
    for (let firstRow = 0; firstRow < rows; firstRow += pieceRows) {
      const rowCount = Math.min(pieceRows, rows - firstRow);
      const weights = await this.#read(source, firstRow, rowCount);
      const bytes = this.#encode(source, form, firstRow, rowCount, weights, report);
      await this.#target.append(target, bytes);
      onPiece(bytes.length);
      // Signals get a turn, and what other threads have to say.
      await nextTurn();
    }
    this.#saturated += report.saturated;
    if (report.largestError > (this.#largest?.error ?? 0)) {
      this.#largest = { error: report.largestError, tensor: source.name };
    }
  }

  /** A piece as FP32, in the working memory. */
  async #read(tensor: CheckpointTensor, firstRow: number, rowCount: number): Promise<Float32Array> {
    const { storage, columns } = tensor;
    const first = firstRow * columns;
    const count = rowCount * columns;
    if (storage.kind === 'f32') {
      const bytes = await this.#stream.read(storage.offset + first * 4, count * 4);
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    }
    await this.#stream.skipTo(storage.offset + first + count);
    const weights = this.#memory.weights.subarray(0, count);
    this.#source.readRows(tensor, firstRow, rowCount, weights);
    return weights;
  }

  #encode(
    source: CheckpointTensor,
    form: Destination['form'],
    firstRow: number,
    rowCount: number,
    weights: Float32Array,
    report: RoundingReport,
  ): Uint8Array {
    const { columns } = source;
    if (form === 'floats') {
      const bad = weights.findIndex(value => !Number.isFinite(value));
      if (bad !== -1) throw this.#unusable(source, firstRow, bad, weights[bad]!);
      return new Uint8Array(weights.slice().buffer);
    }
    try {
      const halves = this.#rounder.round(form, weights, rowCount, columns, this.#overflow, report);
      return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
    } catch (error) {
      if (!(error instanceof UnrepresentableWeightError)) throw error;
      throw this.#unusable(source, firstRow + error.row, error.column, error.value);
    }
  }

  #unusable({ name }: CheckpointTensor, row: number, column: number, value: number): FileError {
    return new FileError(this.#source.path, `${name}, row ${row}, column ${column}`, {
      got: String(value),
      wanted: `a finite weight${name.includes('rms') ? '' : ` of at most ${HALF_MAX}, the largest FP16 number`}`,
      next: Number.isFinite(value)
        ? 'convert with --saturate to clamp such weights'
        : 'the checkpoint is damaged or its training diverged',
    });
  }
}
