import koffi from 'koffi';
import { type EntryPointNames, type EntryPoints, type FfiAdapter, MAP_FAILED } from './adapter.js';

/**
 * open and ioctl are variadic in C. They are called here as fixed-argument functions: on x86-64 and arm64 Linux integer
 * and pointer arguments travel the same way in both, and the fixed form is the faster one.
 */
function bind(library: string | null, names: EntryPointNames): EntryPoints {
  const handle = koffi.load(library);
  const mmap = handle.func(`uintptr_t ${names.mmap}(uintptr_t, size_t, int, int, int, int64_t)`) as (
    address: number,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ) => number | bigint;
  return {
    open: handle.func(`int ${names.open}(const char *, int)`) as EntryPoints['open'],
    close: handle.func(`int ${names.close}(int)`) as EntryPoints['close'],
    ioctl: handle.func(`int ${names.ioctl}(int, unsigned long, uintptr_t)`) as EntryPoints['ioctl'],
    mmap: (length, protection, flags, fd, offset) => {
      // koffi gives a bigint for what a number cannot hold: of addresses only MAP_FAILED.
      const address = mmap(0, length, protection, flags, fd, offset);
      return typeof address === 'bigint' ? MAP_FAILED : address;
    },
    munmap: handle.func(`int ${names.munmap}(uintptr_t, size_t)`) as EntryPoints['munmap'],
    errno: () => koffi.errno(),
  };
}

/** koffi: less than 0.1 us a call, prebuilt for x64 and arm64. */
export const koffiAdapter: FfiAdapter = {
  name: 'koffi',
  bind,
  addressOf: bytes => Number(koffi.address(bytes)),
  view: (address, length) => new Uint8Array(koffi.view(BigInt(address), length)),
};
