import { constants } from 'node:os';
import { type EntryPointNames, type EntryPoints, type FfiAdapter, MAP_FAILED } from '../ffi/index.js';
import { IoctlArgument, type IoctlCall, type IoctlDefinition, type StructFields } from './ioctl.js';
import { type Kernel, KernelError, type Mapping } from './kernel.js';
import { Retry, type RetryClock } from './retry.js';

// The same on x86-64 and arm64 Linux (asm-generic/fcntl.h, mman-common.h).
const O_RDWR = 0o2;
const O_CLOEXEC = 0o2000000;
const PROT_READ_WRITE = 0x3;
const MAP_SHARED = 0x1;

const { EINTR, EINPROGRESS } = constants.errno;

/** An ioctl's struct takes up to this: 14 bits of its number (asm-generic/ioctl.h). */
const MAX_STRUCT_BYTES = 2 ** 14;

export const LIBC_NAMES: EntryPointNames = {
  open: 'open',
  close: 'close',
  ioctl: 'ioctl',
  mmap: 'mmap',
  munmap: 'munmap',
};

/** A Kernel behind five C functions: libc's own, or another library's of the same signatures. */
export class NativeKernel implements Kernel {
  readonly #ffi: FfiAdapter;
  readonly #calls: EntryPoints;
  readonly #clock: RetryClock | undefined;
  /** The struct of the call under way as it went in. */
  readonly #before = new Uint8Array(MAX_STRUCT_BYTES);

  /**
   * @param library a path, or null for libc as this process has it (with whatever is preloaded)
   * @param clock what retries are timed by; for tests
   */
  constructor(ffi: FfiAdapter, library: string | null, names: EntryPointNames, clock?: RetryClock) {
    this.#ffi = ffi;
    this.#calls = ffi.bind(library, names);
    this.#clock = clock;
  }

  open(path: string): number {
    return this.#uninterrupted(`open ${path}`, () => this.#calls.open(path, O_RDWR | O_CLOEXEC));
  }

  close(fd: number): void {
    if (this.#calls.close(fd) >= 0) return;
    const errno = this.#calls.errno();
    // Interrupted while it waited for what the driver does at the end; the file is closed.
    if (errno !== EINTR && errno !== EINPROGRESS) throw new KernelError('close', errno);
  }

  /**
   * Before another try the struct is put back as it was: the kernel copies it out from a call that fails, too (drm_ioctl()), and
   * rknpu has counted into it then.
   */
  ioctl(fd: number, { definition, address, bytes }: IoctlCall): void {
    this.#before.set(bytes);
    let retry: Retry | undefined;
    while (this.#calls.ioctl(fd, definition.request, address) < 0) {
      const errno = this.#calls.errno();
      retry ??= new Retry(this.#clock);
      if (!retry.afterIoctl(errno)) throw new KernelError(definition.name, errno, retry.tries);
      bytes.set(this.#before.subarray(0, bytes.length));
    }
  }

  mmap(fd: number, bytes: number, offset: bigint): Mapping {
    const address = this.#uninterrupted(`mmap of ${bytes} bytes`, () =>
      this.#calls.mmap(bytes, PROT_READ_WRITE, MAP_SHARED, fd, Number(offset)),
    );
    return { address, bytes: this.#ffi.view(address, bytes) };
  }

  munmap(mapping: Mapping): void {
    if (this.#calls.munmap(mapping.address, mapping.bytes.length) < 0) throw this.#error('munmap');
  }

  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F> {
    const { bytes, address } = this.pinned(definition.bytes);
    return new IoctlArgument(definition, bytes, address);
  }

  pinned(length: number): { bytes: Uint8Array; address: number } {
    // An ArrayBuffer's bytes do not move; a small typed array's own might.
    const bytes = new Uint8Array(new ArrayBuffer(length));
    return { bytes, address: this.#ffi.addressOf(bytes) };
  }

  /** Makes a call again that a signal interrupted before it did anything. Its failure is -1, as MAP_FAILED. */
  #uninterrupted(name: string, call: () => number): number {
    const retry = new Retry(this.#clock);
    for (;;) {
      const result = call();
      if (result !== MAP_FAILED) return result;
      const errno = this.#calls.errno();
      if (!retry.afterInterruption(errno)) throw new KernelError(name, errno, retry.tries);
    }
  }

  #error(call: string): KernelError {
    return new KernelError(call, this.#calls.errno());
  }
}
