import type { OutputFile } from '@npu-llama/format';

/** So often a sync is begun: what is left to wait for in the end is little. */
const SYNC_BYTES = 16 << 20;
/** No more than this is left to a sync that is yet to begin: whoever interrupts has to wait for it. */
const MAX_UNSYNCED_BYTES = 256 << 20;

/**
 * Writes a file to the page cache, and has it brought to the disk in the background meanwhile. A write itself takes less time than
 * it takes to hand it to another thread while the processors are busy.
 */
export class WriteBehind {
  readonly #file: OutputFile;
  /** Does not fail: see #failure. */
  #syncing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Written since the last sync began. */
  #unsyncedBytes = 0;

  constructor(file: OutputFile) {
    this.#file = file;
  }

  /** @throws FileError when the file system refuses this, or could not bring to the disk what came before */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#unsyncedBytes >= MAX_UNSYNCED_BYTES) await this.#syncing;
    this.#throwFailure();
    this.#file.write(bytes, position);
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes >= SYNC_BYTES && this.#syncing === undefined) this.#beginSync();
  }

  /**
   * Waits until everything is on the disk.
   * @throws FileError when something could not be written
   */
  async sync(): Promise<void> {
    await this.#syncing;
    this.#beginSync();
    await this.#syncing;
    this.#throwFailure();
  }

  /** Waits until no other thread uses the file, whatever became of it. */
  async settle(): Promise<void> {
    await this.#syncing;
  }

  #beginSync(): void {
    this.#unsyncedBytes = 0;
    const keepFailure = (error: unknown): void => {
      // For whoever asks next: until then it must not count as unhandled.
      this.#failure ??= { error };
    };
    this.#syncing = this.#file
      .sync()
      .catch(keepFailure)
      .then(() => {
        this.#syncing = undefined;
      });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
