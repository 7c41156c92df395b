import type { ModelConfig, NpuFileDescription } from '@npu-llama/format';
import type { NpuDevice } from '../device/index.js';
import type { Tokenizer } from '../text/index.js';
import type { ModelCounters } from './counters.js';
import type { PlacedMatrix } from './placed-matrix.js';
import type { Session, SessionOptions } from './session.js';

/** A model in DMA memory, ready to run. Closing it frees that memory; the device stays open. */
export interface NpuModel extends AsyncDisposable {
  readonly path: string;
  readonly config: ModelConfig;
  /** What the file says about itself: source, checksums, converter. */
  readonly description: NpuFileDescription;
  readonly device: NpuDevice;
  /** The tokenizer in the file, if it has one. */
  readonly tokenizer: Tokenizer | undefined;
  /** DMA memory that the model takes. */
  readonly dmaBytes: number;
  /** The most tokens that one pass takes; forwardBatch splits longer prompts. */
  readonly maxRows: number;
  /** What the model did since it was loaded; of a device in a worker, as of the last call that has ended. */
  readonly counters: Readonly<ModelCounters>;
  /** Its matrices in the order of the data flow: where their weights are, and which core computes which rows. */
  readonly matrices: readonly PlacedMatrix[];
  /**
   * Multiplies with one matrix alone, by the very job that a pass runs: the smallest that takes the rows, with the same
   * programs, features and results. Sessions may be under way: a job begins and ends between two of their passes, and what they
   * keep from one pass to the next is in memory of their own.
   * @param matrix `layers.3.wqkv`, `classifier`: a name in `matrices`
   * @param activations [rows][columns] f32
   * @param rows 1 to maxRows
   * @returns [rows][paddedRows] f32: every output in the order of the matrix's rows, padding included
   * @throws UsageError for a matrix or a size that the model does not have, or within onProduct; NumericError when FP16 cannot
   *   hold an activation; DeviceError when the job fails or the model was closed
   */
  multiply(matrix: string, activations: Float32Array, rows: number): Promise<Float32Array>;
  /**
   * Reads a matrix's weights back from its DMA buffer, which is slow: it is write-combined.
   * @returns a copy of the bytes as they stand there, [paddedRows/16][paddedColumns/32][16][32] f16, as in the .npu file
   * @throws UsageError for a matrix that the model does not have, DeviceError after the model was closed;
   *   UsageError of a device in a worker
   */
  readWeights(matrix: string): Uint8Array;
  /**
   * @throws DeviceError after the model was closed, ModelLimitError when there is no memory for its keys and values; of a device
   *   in a worker the latter comes with the session's first call, and onProduct is a UsageError
   */
  createSession(options?: SessionOptions): Session;
  /** Closes its sessions and frees its DMA memory. Called again it waits for the first call, and does nothing else. */
  close(): Promise<void>;
}
