import type { ModelConfig, NpuFileDescription } from '@npu-llama/format';
import { CloseOnce } from '../close-once.js';
import type { NpuDevice } from '../device/index.js';
import type { DmaBuffer } from '../driver/driver.js';
import { freeAll } from '../driver/free-all.js';
import { DeviceError } from '../errors.js';
import type { Tokenizer } from '../text/index.js';
import type { ModelCounters } from './counters.js';
import { LocalSession, type LocalSessionOptions, type SessionHost } from './local-session.js';
import type { MemoryPlan } from './memory-plan.js';
import type { ModelMatrices } from './model-matrices.js';
import type { NpuModel } from './npu-model.js';
import type { PlacedMatrix } from './placed-matrix.js';
import type { Transformer } from './transformer.js';
import { WorkspacePool } from './workspace.js';

export interface LocalModelParts {
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

/** A model on a device that this thread drives. */
export class LocalModel implements NpuModel {
  readonly #parts: LocalModelParts;
  readonly #sessions = new Set<LocalSession>();
  readonly #workspaces: WorkspacePool;
  readonly #closing = new CloseOnce();

  constructor(parts: LocalModelParts) {
    this.#parts = parts;
    this.#workspaces = new WorkspacePool(() => parts.transformer.createWorkspace());
  }

  get path(): string {
    return this.#parts.path;
  }

  get config(): ModelConfig {
    return this.#parts.description.config;
  }

  get description(): NpuFileDescription {
    return this.#parts.description;
  }

  get device(): NpuDevice {
    return this.#parts.device;
  }

  get tokenizer(): Tokenizer | undefined {
    return this.#parts.tokenizer;
  }

  get dmaBytes(): number {
    return this.#parts.plan.totalBytes;
  }

  get maxRows(): number {
    const { rowVariants } = this.#parts.plan;
    return rowVariants[rowVariants.length - 1]!;
  }

  get counters(): Readonly<ModelCounters> {
    return { ...this.#parts.counters };
  }

  get matrices(): readonly PlacedMatrix[] {
    return this.#parts.matrices.placed;
  }

  async multiply(matrix: string, activations: Float32Array, rows: number): Promise<Float32Array> {
    this.checkOpen();
    return this.#parts.matrices.multiply(matrix, activations, rows);
  }

  readWeights(matrix: string): Uint8Array {
    this.checkOpen();
    return this.#parts.matrices.readWeights(matrix);
  }

  createSession(options: LocalSessionOptions = {}): LocalSession {
    this.checkOpen();
    const session = new LocalSession(this.#sessionHost(), options);
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
    if (this.#closing.called) throw new DeviceError(`${this.path}: the model was used after close`);
    // The device's memory is unmapped with it: to touch it would end the process.
    this.device.driver.checkOpen();
  }

  /** @throws DeviceError when the driver does not take back a buffer, with the others freed */
  close(): Promise<void> {
    return this.#closing.run(() => this.#close());
  }

  async #close(): Promise<void> {
    for (const session of this.#sessions) await session.close();
    this.#workspaces.clear();
    freeAll(this.#parts.buffers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
