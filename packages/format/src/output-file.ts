import { closeSync, fchmodSync, fsync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { FileError, fileErrorFrom } from './errors.js';
import { checkTarget, type ExistingTarget, PERMISSION_BITS, resolveTarget } from './output-target.js';
import { noteFinished, noteUnfinished, temporaryPath } from './temporary-file.js';

const fsyncAsync = promisify(fsync);

/** node:fs writes at most 2 GiB a call. */
const MAX_WRITE_BYTES = 1 << 30;

/**
 * A file that appears under its name only when it is whole: it is written under a temporary name in the same folder,
 * `.<name>.<pid>.<random>.tmp`, and renamed by `commit`. `close` without `commit` leaves nothing behind.
 */
export class OutputFile implements Disposable {
  #fd: number | undefined;
  /** Whether anything was written since the last sync began; otherwise `commit` need not wait for the disk. */
  #unsynced = true;

  private constructor(
    /** The name as it was given. */
    readonly path: string,
    /** Where it leads: differs from `path` for a symbolic link, which stays a link. */
    private readonly target: string,
    private readonly temporary: string,
    private readonly existing: ExistingTarget,
    fd: number,
  ) {
    this.#fd = fd;
  }

  /** @throws FileError when the target exists and may not be replaced, is no regular file, or cannot be written beside. */
  static create(path: string, existing: ExistingTarget): OutputFile {
    const target = resolveTarget(path);
    if (/\/\.{0,2}$/.test(path)) throw new FileError(path, 'is a folder', { next: 'name the file to write' });
    const former = checkTarget(path, target, existing);
    const temporary = temporaryPath(target);
    try {
      // What others may not read, they may not read when it is replaced either, nor meanwhile.
      const mode = former && former.mode & PERMISSION_BITS;
      const fd = openSync(temporary, 'wx', mode);
      noteUnfinished(temporary);
      if (mode !== undefined) permit(fd, mode);
      return new OutputFile(path, target, temporary, existing, fd);
    } catch (error) {
      throw fileErrorFrom(error, path, 'create a file beside it');
    }
  }

  get #openFd(): number {
    if (this.#fd === undefined) throw new FileError(this.path, 'used after close');
    return this.#fd;
  }

  /**
   * Writes all of `bytes` at byte `position` of the file.
   * @throws FileError when the file system refuses, by being full for instance
   */
  write(bytes: NodeJS.ArrayBufferView, position: number): void {
    let done = 0;
    while (done < bytes.byteLength) {
      const want = Math.min(bytes.byteLength - done, MAX_WRITE_BYTES);
      try {
        done += writeSync(this.#openFd, bytes, done, want, position + done);
      } catch (error) {
        throw fileErrorFrom(error, this.path, `write ${want} bytes at ${position + done}`);
      }
      this.#unsynced = true;
    }
  }

  /**
   * Brings what was written so far to the disk, in the background: the file must not be closed until it is done.
   * @throws FileError when the file system refuses
   */
  async sync(): Promise<void> {
    this.#unsynced = false;
    try {
      await fsyncAsync(this.#openFd);
    } catch (error) {
      this.#unsynced = true;
      throw fileErrorFrom(error, this.path, 'write to the disk');
    }
  }

  /**
   * Makes the file durable and gives it its name, in one step for whoever looks; then closes it.
   * @throws FileError when that fails; the temporary file is gone then, and an older file of that name untouched
   */
  commit(): void {
    try {
      const fd = this.#openFd;
      if (this.#unsynced) fsyncSync(fd);
      // Somebody else may have made one since.
      checkTarget(this.path, this.target, this.existing);
      renameSync(this.temporary, this.target);
      noteFinished(this.temporary);
    } catch (error) {
      this.close();
      throw fileErrorFrom(error, this.path, 'finish');
    }
    closeSync(this.#openFd);
    this.#fd = undefined;
    syncFolder(dirname(this.target));
  }

  /** Removes what was written, unless it was committed. @throws FileError when that fails */
  close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      rmSync(this.temporary, { force: true });
      noteFinished(this.temporary);
    } catch (error) {
      throw fileErrorFrom(error, this.temporary, 'remove');
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Without what umask took away. Not every file system has permissions: it is no error. */
function permit(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode);
  } catch {
    // Then it has what its folder or mount gives.
  }
}

/** A rename survives a power cut only when its folder is on the disk. Not every file system can do that: it is no error. */
function syncFolder(folder: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(folder, 'r');
    fsyncSync(fd);
  } catch {
    // The file itself is whole either way.
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
