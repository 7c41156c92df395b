import { write } from 'node:fs';
import { promisify } from 'node:util';
import { fileErrorFrom, type OutputFile } from '@npu-llama/format';

const writeAsync = promisify(write);

/** Writes a file one piece at a time in the background: while one is written, the next can be computed. */
export class WriteBehind {
  readonly #file: OutputFile;
  #pending: Promise<void> = Promise.resolve();

  constructor(file: OutputFile) {
    this.#file = file;
  }

  /**
   * Waits for the piece before, then starts with this one: `bytes` must not change until the next call returns.
   * @throws FileError when the piece before could not be written
   */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#pending;
    this.#pending = this.#writeAll(bytes, position);
    // Whoever waits next sees the failure; until then it must not count as unhandled.
    this.#pending.catch(() => {});
  }

  /** @throws FileError when the last piece could not be written */
  async finish(): Promise<void> {
    await this.#pending;
  }

  /** Waits until nothing is being written, whatever became of it. */
  async settle(): Promise<void> {
    await this.#pending.catch(() => {});
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      try {
        const { bytesWritten } = await writeAsync(
          this.#file.fd,
          bytes,
          done,
          bytes.length - done,
          position + done,
        );
        done += bytesWritten;
      } catch (error) {
        throw fileErrorFrom(
          error,
          this.#file.path,
          `write ${bytes.length - done} bytes at ${position + done}`,
        );
      }
    }
  }
}
