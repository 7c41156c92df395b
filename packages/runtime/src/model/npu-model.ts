import type { ModelConfig, NpuFileDescription } from '@npu-llama/format';
import type { NpuDevice } from '../device/index.js';
import type { DmaBuffer } from '../driver/driver.js';
import { freeAll } from '../driver/free-all.js';
import { DeviceError } from '../errors.js';
import type { Tokenizer } from '../text/index.js';
import type { ModelCounters } from './counters.js';
import type { MemoryPlan } from './memory-plan.js';
import { Session, type SessionHost } from './session.js';
import type { Transformer } from './transformer.js';

export interface NpuModelParts {
  readonly path: string;
  readonly description: NpuFileDescription;
  readonly device: NpuDevice;
  readonly plan: MemoryPlan;
  readonly buffers: readonly DmaBuffer[];
  readonly transformer: Transformer;
  readonly tokenizer: Tokenizer | undefined;
  readonly counters: ModelCounters;
}

/** A model in DMA memory, ready to run. Closing it frees that memory; the device stays open. */
export class NpuModel implements AsyncDisposable {
  readonly #parts: NpuModelParts;
  readonly #sessions = new Set<Session>();
  #closed = false;

  constructor(parts: NpuModelParts) {
    this.#parts = parts;
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

  createSession(): Session {
    this.checkOpen();
    const session = new Session(this.#sessionHost());
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
    freeAll(this.#parts.buffers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
