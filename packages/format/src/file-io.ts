import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { FileError, fileErrorFrom } from './errors.js';

/** node:fs reads at most 2 GiB a call. */
const MAX_READ_BYTES = 1 << 30;

const readInThread = promisify(read);

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
        throw this.#failedRead(error, want, position + done);
      }
      if (got === 0) throw this.#endedRead(position + done, position + into.byteLength);
      done += got;
    }
  }

  /**
   * Like read, but in a thread: the event loop goes on while the disk is waited for. The file must stay open and `into` must
   * stay memory until the promise is settled.
   * @throws FileError as read does
   */
  async readAsync(into: NodeJS.ArrayBufferView, position: number): Promise<void> {
    let done = 0;
    while (done < into.byteLength) {
      const want = Math.min(into.byteLength - done, MAX_READ_BYTES);
      let got: number;
      try {
        ({ bytesRead: got } = await readInThread(this.fd, into, done, want, position + done));
      } catch (error) {
        throw this.#failedRead(error, want, position + done);
      }
      if (got === 0) throw this.#endedRead(position + done, position + into.byteLength);
      done += got;
    }
  }

  #failedRead(error: unknown, bytes: number, position: number): Error {
    return fileErrorFrom(error, this.path, `read ${bytes} bytes at ${position}`);
  }

  #endedRead(got: number, wanted: number): FileError {
    return new FileError(this.path, 'ended while being read', {
      got: `${got} bytes`,
      wanted: `at least ${wanted}`,
      next: 'was it changed meanwhile?',
    });
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
