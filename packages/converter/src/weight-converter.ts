import { type CheckpointFile, type CheckpointTensor, FileError, HALF_MAX } from '@npu-llama/format';
import {
  type OverflowPolicy,
  paddedColumnCount,
  paddedRowCount,
  ROWS_PER_GROUP,
  type RoundingReport,
  roundWeights,
  tileWeights,
  UnrepresentableWeightError,
} from '@npu-llama/format/tiles';
import type { Destination } from './destinations.js';
import type { TensorStreams } from './tensor-streams.js';

/** Weights a piece: 4 MiB in, 2 MiB out. More costs memory and gains nothing. */
const PIECE_WEIGHTS = 1 << 20;

/** Converts tensors piece by piece: whole 16-row groups, so that a piece of a matrix is a run of its tiles. */
export class WeightConverter {
  readonly #source: CheckpointFile;
  readonly #streams: TensorStreams;
  readonly #overflow: OverflowPolicy;
  readonly #floats: Float32Array;
  /** Two, in turns: one may still be being written. */
  readonly #halves: readonly [Uint16Array, Uint16Array];
  #turn: 0 | 1 = 0;
  #saturated = 0;
  #largest: { error: number; tensor: string } | null = null;

  constructor(
    source: CheckpointFile,
    streams: TensorStreams,
    overflow: OverflowPolicy,
    work: readonly Destination[],
  ) {
    this.#source = source;
    this.#streams = streams;
    this.#overflow = overflow;
    const largestPiece = work.reduce((largest, { source: { rows, columns } }) => {
      const pieceRows = Math.min(paddedRowCount(rows), rowsPerPiece(columns));
      return Math.max(largest, pieceRows * paddedColumnCount(columns));
    }, 0);
    this.#floats = new Float32Array(largestPiece);
    this.#halves = [new Uint16Array(largestPiece), new Uint16Array(largestPiece)];
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
      const floats = this.#floats.subarray(0, rowCount * columns);
      this.#source.readRows(source, firstRow, rowCount, floats);
      const bytes = this.#encode(source, form, firstRow, rowCount, floats, report);
      await this.#streams.append(target, bytes);
      onPiece(bytes.length);
    }
    this.#saturated += report.saturated;
    if (report.largestError > (this.#largest?.error ?? 0)) {
      this.#largest = { error: report.largestError, tensor: source.name };
    }
  }

  #encode(
    source: CheckpointTensor,
    form: Destination['form'],
    firstRow: number,
    rowCount: number,
    floats: Float32Array,
    report: RoundingReport,
  ): Uint8Array {
    const { columns } = source;
    if (form === 'floats') {
      const bad = floats.findIndex(value => !Number.isFinite(value));
      if (bad !== -1) throw this.#unusable(source, firstRow, bad, floats[bad]!);
      return new Uint8Array(floats.slice().buffer);
    }
    this.#turn = this.#turn === 0 ? 1 : 0;
    const buffer = this.#halves[this.#turn];
    const [round, elements] =
      form === 'tiles'
        ? [tileWeights, paddedRowCount(rowCount) * paddedColumnCount(columns)]
        : [roundWeights, rowCount * columns];
    const halves = buffer.subarray(0, elements);
    try {
      round(floats, rowCount, columns, halves, this.#overflow, report);
    } catch (error) {
      if (!(error instanceof UnrepresentableWeightError)) throw error;
      throw this.#unusable(source, firstRow + error.row, error.column, error.value);
    }
    return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
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

function rowsPerPiece(columns: number): number {
  const groups = Math.floor(PIECE_WEIGHTS / (ROWS_PER_GROUP * paddedColumnCount(columns)));
  return Math.max(1, groups) * ROWS_PER_GROUP;
}
