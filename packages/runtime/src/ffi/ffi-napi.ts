import { createRequire } from 'node:module';
import { DeviceError } from '../errors.js';
import { type EntryPointNames, type EntryPoints, type FfiAdapter, MAP_FAILED } from './adapter.js';

/*
 * ffi-napi and ref-napi are optional dependencies (they compile at install), so their types may be absent: these are
 * the parts used here.
 */
interface FfiNapi {
  Library(
    library: string | null,
    functions: Readonly<Record<string, readonly [result: string, argumentTypes: readonly string[]]>>,
  ): Record<string, (...args: (number | string | Buffer)[]) => number | string>;
  errno(): number;
}
interface RefNapi {
  address(buffer: Buffer): number;
  readPointer(buffer: Buffer, offset: number, length: number): Buffer;
}

/** 2^64 - 1 as ffi-napi returns it: a string, since a number cannot hold it. */
function toAddress(value: number | string): number {
  return typeof value === 'string' ? MAP_FAILED : value;
}

function bindWith(ffi: FfiNapi, library: string | null, names: EntryPointNames): EntryPoints {
  // Addresses as integers: with a pointer argument ffi-napi takes seven times as long a call.
  const functions = ffi.Library(library, {
    [names.open]: ['int', ['string', 'int']],
    [names.close]: ['int', ['int']],
    [names.ioctl]: ['int', ['int', 'ulong', 'size_t']],
    [names.mmap]: ['size_t', ['size_t', 'size_t', 'int', 'int', 'int', 'int64']],
    [names.munmap]: ['int', ['size_t', 'size_t']],
  });
  const call = (name: string) => functions[name] as (...args: (number | string)[]) => number;
  const mmap = call(names.mmap);
  return {
    open: call(names.open),
    close: call(names.close),
    ioctl: call(names.ioctl),
    mmap: (length, protection, flags, fd, offset) =>
      toAddress(mmap(0, length, protection, flags, fd, offset)),
    munmap: call(names.munmap),
    errno: () => ffi.errno(),
  };
}

/** The memory at an address: ref-napi reads it as a pointer out of eight bytes that hold it. */
function viewWith(ref: RefNapi, address: number, length: number): Uint8Array {
  const holder = Buffer.alloc(8);
  holder.writeBigUInt64LE(BigInt(address));
  return ref.readPointer(holder, 0, length);
}

/**
 * ffi-napi with ref-napi: about 20 us a call, since it makes a Buffer of every argument; needs a C++ compiler at install.
 * @throws DeviceError when they are not installed
 */
export function loadFfiNapiAdapter(): FfiAdapter {
  const require = createRequire(import.meta.url);
  let ffi: FfiNapi;
  let ref: RefNapi;
  try {
    ffi = require('ffi-napi') as FfiNapi;
    ref = require('ref-napi') as RefNapi;
  } catch (cause) {
    throw new DeviceError('FFI adapter ffi-napi is not installed', {
      next: 'use koffi (unset NPU_FFI), or install a C++ compiler, make and python3 and then the packages again',
      cause,
    });
  }
  return {
    name: 'ffi-napi',
    bind: (library, names) => bindWith(ffi, library, names),
    addressOf: bytes => ref.address(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    view: (address, length) => viewWith(ref, address, length),
  };
}
