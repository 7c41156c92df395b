import type { ModelConfig, NpuFileDescription } from '@npu-llama/format';
import type { NpuDevice } from '../device/index.js';
import type { DmaBuffer } from '../driver/driver.js';
import { freeAll } from '../driver/free-all.js';
import { DeviceError } from '../errors.js';
import type { Tokenizer } from '../text/index.js';
import type { ModelCounters } from './counters.js';
import type { MemoryPlan } from './memory-plan.js';
import type { ModelMatrices } from './model-matrices.js';
import type { PlacedMatrix } from './placed-matrix.js';
import { Session, type SessionHost, type SessionOptions } from './session.js';
import type { Transformer } from './transformer.js';
import { WorkspacePool } from './workspace.js';

export interface NpuModelParts {
  readonly path: string;
  readonly description: NpuFileDescription;
  readonly device: NpuDevice;
  readonly plan: MemoryPlan;
  readonly buffers: readonly DmaBuffer[];
  readonly transformer: Transformer;
  readonly matrices: ModelMatrices;
  readonly tokenizer: Tokenizer | undefined;
  readonly counters: ModelCounters;
}

/** A model in DMA memory, ready to run. Closing it frees that memory; the device stays open. */
export class NpuModel implements AsyncDisposable {
  readonly #parts: NpuModelParts;
  readonly #sessions = new Set<Session>();
  readonly #workspaces: WorkspacePool;
  #closed = false;

  constructor(parts: NpuModelParts) {
    this.#parts = parts;
    this.#workspaces = new WorkspacePool(() => parts.transformer.createWorkspace());
  }

  get path(): string {
    return this.#parts.path;
  }

  get config(): ModelConfig {
    return this.#parts.description.config;
  }

  /** What the file says about itself: source, checksums, converter. */
  get description(): NpuFileDescription {
    return this.#parts.description;
  }

  get device(): NpuDevice {
    return this.#parts.device;
  }

  /** The tokenizer in the file, if it has one. */
  get tokenizer(): Tokenizer | undefined {
    return this.#parts.tokenizer;
  }

  /** DMA memory that the model takes. */
  get dmaBytes(): number {
    return this.#parts.plan.totalBytes;
  }

  /** The most tokens that one pass takes; forwardBatch splits longer prompts. */
  get maxRows(): number {
    const { rowVariants } = this.#parts.plan;
    return rowVariants[rowVariants.length - 1]!;
  }

  /** What the model did since it was loaded. */
  get counters(): Readonly<ModelCounters> {
    return { ...this.#parts.counters };
  }

  /** Its matrices in the order of the data flow: where their weights are, and which core computes which rows. */
  get matrices(): readonly PlacedMatrix[] {
    return this.#parts.matrices.placed;
  }

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
  async multiply(matrix: string, activations: Float32Array, rows: number): Promise<Float32Array> {
    this.checkOpen();
    return this.#parts.matrices.multiply(matrix, activations, rows);
  }

  /**
   * Reads a matrix's weights back from its DMA buffer, which is slow: it is write-combined.
   * @returns a copy of the bytes as they stand there, [paddedRows/16][paddedColumns/32][16][32] f16, as in the .npu file
   * @throws UsageError for a matrix that the model does not have, DeviceError after the model was closed
   */
  readWeights(matrix: string): Uint8Array {
    this.checkOpen();
    return this.#parts.matrices.readWeights(matrix);
  }

  /** @throws DeviceError after the model was closed, ModelLimitError when there is no memory for its keys and values */
  createSession(options: SessionOptions = {}): Session {
    this.checkOpen();
    const session = new Session(this.#sessionHost(), options);
    this.#sessions.add(session);
    return session;
  }

  /** What sessions see of the model; nobody else gets at memory that is gone after close(). */
  #sessionHost(): SessionHost {
    const { config, maxRows } = this;
    return {
      config,
      maxRows,
      transformer: this.#parts.transformer,
      workspaces: this.#workspaces,
      checkOpen: () => this.checkOpen(),
      sessionClosed: session => this.#sessions.delete(session),
    };
  }

  /** @throws DeviceError after the model or its device was closed */
  checkOpen(): void {
    if (this.#closed) throw new DeviceError(`${this.path}: the model was used after close`);
    // The device's memory is unmapped with it: to touch it would end the process.
    this.device.driver.checkOpen();
  }

  /** Closes its sessions and frees its DMA memory; safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of this.#sessions) await session.close();
    this.#workspaces.clear();
    freeAll(this.#parts.buffers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
