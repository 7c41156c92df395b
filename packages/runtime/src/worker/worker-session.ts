import { type ModelConfig, UsageError } from '@npu-llama/format';
import { CloseOnce } from '../close-once.js';
import type { KvCache, Session } from '../model/index.js';
import type { DeviceThread } from './device-thread.js';
import type { Logits, OfSession, Told } from './protocol.js';
import { inWorker } from './told-driver.js';
import type { WorkerModel } from './worker-model.js';

/** A session on a device that a worker thread drives. */
export class WorkerSession implements Session {
  #length = 0;
  #busy = false;
  readonly #closing = new CloseOnce();
  /** Written by the worker. */
  #logits: Float32Array = new Float32Array(0);

  constructor(
    private readonly id: OfSession,
    private readonly model: WorkerModel,
    private readonly thread: DeviceThread,
  ) {}

  get config(): ModelConfig {
    return this.model.config;
  }

  get length(): number {
    return this.#length;
  }

  get keyValues(): KvCache {
    throw inWorker('keyValues');
  }

  async forward(token: number, position: number): Promise<Float32Array> {
    return this.forwardBatch([token], position, { logits: 'last' });
  }

  async forwardBatch(
    tokens: readonly number[],
    firstPosition: number,
    { logits, signal }: { readonly logits: 'all' | 'last'; readonly signal?: AbortSignal },
  ): Promise<Float32Array> {
    if (this.#busy) {
      throw new UsageError('the session is busy with another call', {
        next: 'await it first, or use a session each',
      });
    }
    this.model.checkOpen();
    if (this.#closing.called) throw new UsageError('the session was used after close');
    this.#busy = true;
    try {
      const argument = { ...this.id, tokens, firstPosition, logits };
      const onTold = (told: Told): void => this.#told(told);
      return this.#logitsOf(await this.thread.call('forward', argument, { signal, onTold }));
    } finally {
      this.#busy = false;
    }
  }

  #told(told: Told): void {
    this.#length = told.length ?? this.#length;
    this.model.told(told);
  }

  #logitsOf({ count, memory }: Logits): Float32Array {
    if (memory !== undefined) this.#logits = new Float32Array(memory);
    return this.#logits.length === count ? this.#logits : this.#logits.subarray(0, count);
  }

  close(): Promise<void> {
    return this.#closing.run(() => this.#close());
  }

  async #close(): Promise<void> {
    if (this.model.isGone) return this.model.closed();
    await this.thread.call('closeSession', this.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
