import type { CheckpointFile } from '@npu-llama/format';
import type { HashThread } from './hash-thread.js';
import { PIECE_BYTES } from './working-memory.js';

/**
 * The checkpoint's bytes from the first to the last, each read once, into slots of the shared memory, where the hashing thread
 * finds them. It follows closely: what is larger than the page cache need not come from the disk twice.
 */
export class SourceStream {
  readonly #source: CheckpointFile;
  readonly #slots: readonly Uint8Array[];
  readonly #hash: HashThread;
  #turn = 0;
  #position = 0;

  /** @param slots of PIECE_BYTES each, in the memory that the thread sees */
  constructor(source: CheckpointFile, slots: readonly Uint8Array[], hash: HashThread) {
    this.#source = source;
    this.#slots = slots;
    this.#hash = hash;
  }

  /**
   * Reads the bytes at `position`, at most PIECE_BYTES; what stands before them and was not read yet is hashed as well.
   * @returns the bytes, to be used before the next call
   * @throws FileError when the file cannot be read
   */
  async read(position: number, length: number): Promise<Uint8Array> {
    await this.skipTo(position);
    if (position !== this.#position) throw new Error(`bug: byte ${position} after byte ${this.#position}`);
    return this.#readNext(length);
  }

  /** Hashes up to `position`, exclusive. */
  async skipTo(position: number): Promise<void> {
    while (this.#position < position) {
      await this.#readNext(Math.min(PIECE_BYTES, position - this.#position));
    }
  }

  async #readNext(length: number): Promise<Uint8Array> {
    await this.#hash.pendingAtMost(this.#slots.length - 1);
    const bytes = this.#slots[this.#turn]!.subarray(0, length);
    this.#turn = (this.#turn + 1) % this.#slots.length;
    this.#source.read(bytes, this.#position);
    this.#hash.update(bytes);
    this.#position += length;
    return bytes;
  }
}
