import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { fileErrorFrom } from '@npu-llama/format';
import type { HashRequest } from './hash-worker.js';

/** SHA-256 in a thread of its own, of pieces of a memory that both threads see. */
export class HashThread {
  readonly #worker: Worker;
  readonly #path: string;
  #pending = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param path of the file that is hashed, for messages */
  constructor(memory: SharedArrayBuffer, path: string) {
    this.#path = path;
    // Options of node that were meant for the main thread do not all go with a file: `--input-type`, say.
    const options = { workerData: memory, execArgv: [] };
    this.#worker = new Worker(new URL('./hash-worker.js', import.meta.url), options);
    this.#worker.on('message', () => this.#pending--);
    this.#worker.on('error', error => {
      this.#failure = { error };
    });
  }

  /** Hashes more bytes of the memory, behind those before. They must not change until that is done: see `pendingAtMost`. */
  update(bytes: Uint8Array): void {
    this.#post({ offset: bytes.byteOffset, length: bytes.length });
  }

  /**
   * Waits until no more than `count` pieces are left to hash, the last ones.
   * @throws FileError when the thread failed
   */
  async pendingAtMost(count: number): Promise<void> {
    while (this.#pending > count) await this.#answer();
  }

  /**
   * The digest of all pieces, in hexadecimal.
   * @throws FileError when the thread failed
   */
  async digest(): Promise<string> {
    await this.pendingAtMost(0);
    this.#post('digest');
    return this.#answer();
  }

  /** Stops the thread, whatever it does. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(request: HashRequest): void {
    this.#pending++;
    this.#worker.postMessage(request);
  }

  async #answer(): Promise<string> {
    try {
      if (this.#failure !== undefined) throw this.#failure.error;
      const [answer] = await once(this.#worker, 'message');
      return answer as string;
    } catch (error) {
      throw fileErrorFrom(error, this.#path, 'hash');
    }
  }
}
