import { Worker } from 'node:worker_threads';
import { fileErrorFrom } from '@npu-llama/format';
import type { HashTask } from './hash-worker.js';

/** The SHA-256 of an open file, computed in a thread of its own while the file is converted. */
export class FileHash {
  readonly #worker: Worker;
  readonly #digest: Promise<string>;

  /** @param path for messages */
  constructor(fd: number, bytes: number, path: string) {
    const task: HashTask = { fd, bytes };
    // Options of node that were meant for the main thread do not all go with a file: `--input-type`, say.
    const options = { workerData: task, execArgv: [] };
    this.#worker = new Worker(new URL('./hash-worker.js', import.meta.url), options);
    this.#digest = new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', error => reject(fileErrorFrom(error, path, 'hash')));
    });
    // A failure is reported to whoever asks for the digest; nobody does when the conversion failed before.
    this.#digest.catch(() => {});
  }

  /** @throws FileError when the file cannot be read */
  digest(): Promise<string> {
    return this.#digest;
  }

  /** Stops the thread; the file may be closed afterwards. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
