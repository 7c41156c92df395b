import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { FileError, fileErrorFrom } from './errors.js';

/** node:fs reads at most 2 GiB a call. */
const MAX_READ_BYTES = 1 << 30;

/** A regular file opened for reading at chosen positions; its size is taken once, at opening. */
export class InputFile implements Disposable {
  #fd: number | undefined;

  private constructor(
    readonly path: string,
    fd: number,
    readonly bytes: number,
  ) {
    this.#fd = fd;
  }

  /** @throws FileError when the file cannot be opened or is not a regular file. */
  static open(path: string): InputFile {
    let fd: number | undefined;
    try {
      // Opening a named pipe would otherwise wait for somebody to write to it.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stat = fstatSync(fd);
      if (!stat.isFile()) {
        throw new FileError(path, stat.isDirectory() ? 'is a folder' : 'is not a regular file', {
          next: 'name a file',
        });
      }
      return new InputFile(path, fd, stat.size);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw fileErrorFrom(error, path, 'open');
    }
  }

  get fd(): number {
    if (this.#fd === undefined) throw new FileError(this.path, 'used after close');
    return this.#fd;
  }

  /**
   * Fills `into` from byte `position` on.
   * @throws FileError when the file ends before, or cannot be read.
   */
  read(into: NodeJS.ArrayBufferView, position: number): void {
    let done = 0;
    while (done < into.byteLength) {
      const want = Math.min(into.byteLength - done, MAX_READ_BYTES);
      let got: number;
      try {
        got = readSync(this.fd, into, done, want, position + done);
      } catch (error) {
        throw fileErrorFrom(error, this.path, `read ${want} bytes at ${position + done}`);
      }
      if (got === 0) {
        throw new FileError(this.path, 'ended while being read', {
          got: `${position + done} bytes`,
          wanted: `at least ${position + into.byteLength}`,
          next: 'was it changed meanwhile?',
        });
      }
      done += got;
    }
  }

  /** The bytes from `position` on, at most `length`, fewer only where the file ends. */
  readUpTo(length: number, position: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.bytes - position)));
    this.read(bytes, position);
    return bytes;
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
