import type { ModelConfig, NpuFileDescription } from '@npu-llama/format';
import { CloseOnce } from '../close-once.js';
import type { NpuDevice } from '../device/index.js';
import { DeviceError } from '../errors.js';
import type { ModelCounters, NpuModel, PlacedMatrix, Session, SessionOptions } from '../model/index.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { DeviceThread } from './device-thread.js';
import type { LoadedModel } from './protocol.js';
import { inWorker } from './told-driver.js';
import type { WorkerDevice } from './worker-device.js';
import { WorkerSession } from './worker-session.js';

export interface WorkerModelParts {
  /** Its number. */
  readonly model: number;
  readonly path: string;
  readonly loaded: LoadedModel;
  readonly tokenizer: Tokenizer | undefined;
  readonly device: WorkerDevice;
  readonly thread: DeviceThread;
}

/** A model on a device that a worker thread drives. */
export class WorkerModel implements NpuModel {
  readonly path: string;
  readonly config: ModelConfig;
  readonly description: NpuFileDescription;
  readonly tokenizer: Tokenizer | undefined;
  readonly dmaBytes: number;
  readonly maxRows: number;
  readonly matrices: readonly PlacedMatrix[];
  readonly #parts: WorkerModelParts;
  #counters: ModelCounters = { submits: 0, syncs: 0, bytesToDevice: 0, bytesFromDevice: 0, deviceMs: 0 };
  #lastSession = 0;
  readonly #closing = new CloseOnce();

  constructor(parts: WorkerModelParts) {
    const { loaded, path, tokenizer } = parts;
    this.path = path;
    this.config = loaded.description.config;
    this.description = loaded.description;
    this.tokenizer = tokenizer;
    this.dmaBytes = loaded.dmaBytes;
    this.maxRows = loaded.maxRows;
    this.matrices = loaded.matrices;
    this.#parts = parts;
  }

  get device(): NpuDevice {
    return this.#parts.device;
  }

  get counters(): Readonly<ModelCounters> {
    return { ...this.#counters };
  }

  /** Whether its sessions have nothing left to close: it is being closed, or its device. */
  get isGone(): boolean {
    return this.#closing.called || this.#parts.device.isGone;
  }

  async multiply(matrix: string, activations: Float32Array, rows: number): Promise<Float32Array> {
    this.checkOpen();
    const { model, thread } = this.#parts;
    // Of a view the whole memory behind it would be cloned.
    const argument = { model, matrix, activations: activations.slice(), rows };
    return thread.call('multiply', argument, { onTold: told => this.told(told) });
  }

  readWeights(): Uint8Array {
    this.checkOpen();
    throw inWorker('readWeights');
  }

  createSession({ onProduct }: SessionOptions = {}): Session {
    this.checkOpen();
    if (onProduct !== undefined) throw inWorker('onProduct');
    const { model, thread } = this.#parts;
    const session = ++this.#lastSession;
    thread.notify('createSession', { model, session });
    return new WorkerSession({ model, session }, this, thread);
  }

  /** @throws DeviceError after the model or its device was closed, or when the worker has ended */
  checkOpen(): void {
    if (this.#closing.called) throw new DeviceError(`${this.path}: the model was used after close`);
    this.#parts.device.checkOpen();
  }

  /** How its counters stand, from the worker. */
  told({ counters }: { readonly counters?: ModelCounters }): void {
    if (counters !== undefined) this.#counters = counters;
  }

  close(): Promise<void> {
    return this.#closing.run(() => this.#close());
  }

  /** Waits for a close() of it or its device that was called, and does not fail: for its sessions. */
  async closed(): Promise<void> {
    await this.#closing.settled();
    await this.#parts.device.closed();
  }

  async #close(): Promise<void> {
    const { model, device, thread } = this.#parts;
    if (device.isGone) return device.closed();
    await thread.call('closeModel', { model }, { onTold: told => this.told(told) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
