import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { IoctlArgument, IoctlCall, IoctlDefinition, StructFields } from './ioctl.js';

/** Name and text. Node has texts of those that libuv knows, names of a few more. */
function describeErrno(errno: number): readonly [name: string, text: string] {
  const known = getSystemErrorMap().get(-errno);
  if (known !== undefined) return known;
  const named = Object.entries(constants.errno).find(([, number]) => number === errno);
  return named === undefined ? [`errno ${errno}`, 'unknown error'] : [named[0], `errno ${errno}`];
}

/** A system call that failed. */
export class KernelError extends Error {
  /** `ENOMEM`. */
  readonly errno: string;
  /** `not enough memory (ENOMEM)`. */
  readonly reason: string;

  constructor(
    readonly call: string,
    errnoNumber: number,
    /** How often the call was made before it was given up. */
    tries = 1,
  ) {
    const [name, text] = describeErrno(errnoNumber);
    const reason = `${text} (${name}${tries > 1 ? `, ${tries} times on end` : ''})`;
    super(`${call}: ${reason}`);
    this.name = 'KernelError';
    this.reason = reason;
    this.errno = name;
  }
}

/** Memory that a device shares with this process. Its owner unmaps it; `bytes` must not be touched afterwards. */
export interface Mapping {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * The one boundary to the operating system: the real kernel through libc, or a simulated device's entry points. Every
 * method throws KernelError when the call fails.
 */
export interface Kernel {
  /** Opens a device node for reading and writing, closed on exec. */
  open(path: string): number;
  /** Never made again: Linux has closed the file whatever it answers, and its number may be another file's by then. */
  close(fd: number): void;
  /** Interrupted calls (EINTR, EAGAIN) are made again with the same argument, as libdrm does, but not for ever (retry.ts). */
  ioctl(fd: number, call: IoctlCall): void;
  mmap(fd: number, bytes: number, offset: bigint): Mapping;
  munmap(mapping: Mapping): void;
  /** A zeroed argument for an ioctl. */
  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F>;
  /** Bytes at an address that an ioctl's struct can point to. */
  pinned(bytes: number): { readonly bytes: Uint8Array; readonly address: number };
}
