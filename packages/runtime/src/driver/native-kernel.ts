import { constants } from 'node:os';
import { type EntryPointNames, type EntryPoints, type FfiAdapter, MAP_FAILED } from '../ffi/index.js';
import { IoctlArgument, type IoctlCall, type IoctlDefinition, type StructFields } from './ioctl.js';
import { type Kernel, KernelError, type Mapping } from './kernel.js';

// The same on x86-64 and arm64 Linux (asm-generic/fcntl.h, mman-common.h).
const O_RDWR = 0o2;
const O_CLOEXEC = 0o2000000;
const PROT_READ_WRITE = 0x3;
const MAP_SHARED = 0x1;

const { EINTR, EAGAIN } = constants.errno;

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

  /** @param library a path, or null for libc as this process has it (with whatever is preloaded) */
  constructor(ffi: FfiAdapter, library: string | null, names: EntryPointNames) {
    this.#ffi = ffi;
    this.#calls = ffi.bind(library, names);
  }

  open(path: string): number {
    const fd = this.#calls.open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) throw this.#error(`open ${path}`);
    return fd;
  }

  close(fd: number): void {
    if (this.#calls.close(fd) < 0) throw this.#error('close');
  }

  ioctl(fd: number, call: IoctlCall): void {
    const { request, name } = call.definition;
    while (this.#calls.ioctl(fd, request, call.address) < 0) {
      const errno = this.#calls.errno();
      if (errno !== EINTR && errno !== EAGAIN) throw new KernelError(name, errno);
    }
  }

  mmap(fd: number, bytes: number, offset: bigint): Mapping {
    const address = this.#calls.mmap(bytes, PROT_READ_WRITE, MAP_SHARED, fd, Number(offset));
    if (address === MAP_FAILED) throw this.#error(`mmap of ${bytes} bytes`);
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

  #error(call: string): KernelError {
    return new KernelError(call, this.#calls.errno());
  }
}
