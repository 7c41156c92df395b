import { getSystemErrorMap } from 'node:util';
import type { IoctlArgument, IoctlCall, IoctlDefinition, StructFields } from './ioctl.js';

/** A system call that failed. */
export class KernelError extends Error {
  /** `ENOMEM`. */
  readonly errno: string;
  /** `not enough memory (ENOMEM)`. */
  readonly reason: string;

  constructor(
    readonly call: string,
    errnoNumber: number,
  ) {
    const [name, text] = getSystemErrorMap().get(-errnoNumber) ?? [`errno ${errnoNumber}`, 'unknown error'];
    super(`${call}: ${text} (${name})`);
    this.name = 'KernelError';
    this.reason = `${text} (${name})`;
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
  close(fd: number): void;
  /** Interrupted calls are made again, as libdrm does. */
  ioctl(fd: number, call: IoctlCall): void;
  mmap(fd: number, bytes: number, offset: bigint): Mapping;
  munmap(mapping: Mapping): void;
  /** A zeroed argument for an ioctl. */
  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F>;
  /** Bytes at an address that an ioctl's struct can point to. */
  pinned(bytes: number): { readonly bytes: Uint8Array; readonly address: number };
}
