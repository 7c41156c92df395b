import { CloseOnce } from '../close-once.js';
import type { DecodeRows, DeviceKind, NpuDevice } from '../device/index.js';
import type { NpuDriver } from '../driver/driver.js';
import { DeviceError } from '../errors.js';
import type { LoadModelOptions, NpuModel } from '../model/index.js';
import { inTurns } from '../text/in-turns.js';
import { Tokenizer } from '../text/tokenizer.js';
import type { DeviceThread } from './device-thread.js';
import { unpackVocabulary } from './packed-vocabulary.js';
import type { DeviceEvent, OpenedDevice } from './protocol.js';
import { ToldDriver } from './told-driver.js';
import { WorkerModel } from './worker-model.js';

/** A device that a worker thread drives. */
export class WorkerDevice implements NpuDevice {
  readonly kind: DeviceKind;
  readonly driver: NpuDriver;
  readonly cores: number;
  readonly decodeRows: DecodeRows;
  readonly ffi: string;
  readonly description: string;
  readonly #thread: DeviceThread;
  #lastModel = 0;
  readonly #closing = new CloseOnce();

  constructor(facts: OpenedDevice, thread: DeviceThread) {
    this.kind = facts.kind;
    this.driver = new ToldDriver(facts.driver, thread, () => this.checkOpen());
    this.cores = facts.cores;
    this.decodeRows = facts.decodeRows;
    this.ffi = facts.ffi;
    this.description = facts.description;
    this.#thread = thread;
  }

  /** Whether there is nothing left to close: it was closed, or its thread has ended. */
  get isGone(): boolean {
    return this.#closing.called || this.#thread.hasFailed;
  }

  /** @throws DeviceError after close(), or when the worker has ended */
  checkOpen(): void {
    if (this.#closing.called) throw new DeviceError(`${this.driver.description}: used after close`);
    this.#thread.checkAlive();
  }

  async reset(): Promise<void> {
    this.checkOpen();
    await this.#thread.call('reset', {});
  }

  /** loadModel, in the worker. */
  async loadModel(path: string, options: LoadModelOptions): Promise<NpuModel> {
    this.checkOpen();
    const { onProgress, signal, verifyChecksums = true } = options;
    const model = ++this.#lastModel;
    const onEvent = (event: DeviceEvent): void => {
      // What was loaded since is not told any more: the caller is to see the load end.
      if (event.event === 'progress' && signal?.aborted !== true)
        onProgress?.(event.doneBytes, event.totalBytes);
    };
    try {
      const argument = { model, path, verifyChecksums };
      const loaded = await this.#thread.call('loadModel', argument, { signal, onEvent });
      // It may have been loaded before the worker saw that nobody wants it any more, and others have their turns here, too.
      const pause = async (): Promise<void> => {
        await new Promise(resolve => setImmediate(resolve));
        signal?.throwIfAborted();
        this.checkOpen();
      };
      await pause();
      const vocabulary = loaded.vocabulary && (await inTurns(unpackVocabulary(loaded.vocabulary), pause));
      const tokenizer = vocabulary && (await Tokenizer.inTurns(vocabulary, pause));
      return new WorkerModel({ model, path, loaded, tokenizer, device: this, thread: this.#thread });
    } catch (error) {
      // Whatever came of it: the failure to tell is the first.
      if (!this.isGone) await this.#thread.call('closeModel', { model }).catch(() => {});
      throw error;
    }
  }

  /** @throws DeviceError when the driver refuses, or the worker had ended and nobody was told so */
  close(): Promise<void> {
    return this.#closing.run(() => this.#close());
  }

  /** Waits for a close() that was called, and does not fail: for what is closed with the device. */
  closed(): Promise<void> {
    return this.#closing.settled();
  }

  async #close(): Promise<void> {
    try {
      if (!this.#thread.hasFailed) await this.#thread.call('close', {});
    } finally {
      await this.#thread.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
