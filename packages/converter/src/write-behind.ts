import type { OutputFile } from '@npu-llama/format';

/** So often writing to the disk is begun: what is left to wait for in the end is little. */
const SYNC_BYTES = 16 << 20;
/** More than this does not wait for the disk, which an interruption would have to wait for. */
const MAX_UNSYNCED_BYTES = 256 << 20;

/**
 * Writes a file one piece at a time in the background, and brings it to the disk meanwhile: while one piece is written, the next
 * can be computed.
 */
export class WriteBehind {
  readonly #file: OutputFile;
  /** These two do not fail: see #failure. */
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Written since the last sync began. */
  #unsyncedBytes = 0;

  constructor(file: OutputFile) {
    this.#file = file;
  }

  /**
   * Waits for the piece before, then starts with this one: `bytes` must not change until the next call returns.
   * @throws FileError when something before could not be written
   */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#writing;
    if (this.#unsyncedBytes >= MAX_UNSYNCED_BYTES) await this.#syncing;
    this.#throwFailure();
    if (this.#unsyncedBytes >= SYNC_BYTES) this.#beginSync();
    this.#unsyncedBytes += bytes.length;
    this.#writing = this.#keepFailure(this.#file.writeAsync(bytes, position));
  }

  /**
   * Waits until everything is on the disk.
   * @throws FileError when something could not be written
   */
  async sync(): Promise<void> {
    await this.settle();
    this.#throwFailure();
    this.#beginSync();
    await this.#syncing;
    this.#throwFailure();
  }

  /** Waits until nothing is being written, whatever became of it. */
  async settle(): Promise<void> {
    await this.#writing;
    await this.#syncing;
  }

  #beginSync(): void {
    if (this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#keepFailure(this.#file.sync()).then(() => {
      this.#syncing = undefined;
    });
  }

  /** For whoever asks next: until then it must not count as unhandled. */
  #keepFailure(work: Promise<void>): Promise<void> {
    return work.catch(error => {
      this.#failure ??= { error };
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
