import { UsageError } from '@npu-llama/format';

/** Names of the five entry points in a library: libc's, or the simulator's. */
export interface EntryPointNames {
  readonly open: string;
  readonly close: string;
  readonly ioctl: string;
  readonly mmap: string;
  readonly munmap: string;
}

/** mmap's result when it failed. */
export const MAP_FAILED = -1;

/**
 * The entry points as C has them: -1 and errno on failure. Addresses of this process are numbers: Linux gives user
 * space 47 bits (x86-64) or 48 (arm64), and a number holds 53.
 */
export interface EntryPoints {
  /** int open(const char *path, int flags) */
  open(path: string, flags: number): number;
  /** int close(int fd) */
  close(fd: number): number;
  /** int ioctl(int fd, unsigned long request, void *argument) */
  ioctl(fd: number, request: number, argument: number): number;
  /** void *mmap(NULL, size_t length, int protection, int flags, int fd, off_t offset) */
  mmap(length: number, protection: number, flags: number, fd: number, offset: number): number;
  /** int munmap(void *address, size_t length) */
  munmap(address: number, length: number): number;
  /** errno as the last call through this adapter left it. */
  errno(): number;
}

/** A foreign function interface, reduced to what driving a device takes. */
export interface FfiAdapter {
  readonly name: FfiName;
  /** @param library a path, or null for what the process has loaded, so that preloaded shims see the calls */
  bind(library: string | null, names: EntryPointNames): EntryPoints;
  /** Where bytes stand; they must have an ArrayBuffer of their own, which V8 does not move. */
  addressOf(bytes: Uint8Array): number;
  /** The memory at an address, without a copy. It must not be touched after munmap. */
  view(address: number, length: number): Uint8Array;
}

export const FFI_NAMES = ['koffi', 'ffi-napi'] as const;
export type FfiName = (typeof FFI_NAMES)[number];

/**
 * The FFI to use: `chosen`, else the variable NPU_FFI, else koffi.
 * @throws UsageError for any other name
 */
export function ffiName(chosen?: string): FfiName {
  const name = chosen ?? process.env['NPU_FFI'] ?? 'koffi';
  const known = FFI_NAMES.find(candidate => candidate === name);
  if (known === undefined) {
    throw new UsageError('no such FFI adapter (option ffi, or NPU_FFI)', {
      got: name,
      wanted: FFI_NAMES.join(' or '),
    });
  }
  return known;
}
