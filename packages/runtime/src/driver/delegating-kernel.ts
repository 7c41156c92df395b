import type { IoctlArgument, IoctlCall, IoctlDefinition, StructFields } from './ioctl.js';
import type { Kernel, Mapping } from './kernel.js';

/** Hands every call on: for those who override the one that they are after. */
export class DelegatingKernel implements Kernel {
  constructor(protected readonly kernel: Kernel) {}

  open(path: string): number {
    return this.kernel.open(path);
  }

  close(fd: number): void {
    this.kernel.close(fd);
  }

  ioctl(fd: number, call: IoctlCall): void {
    this.kernel.ioctl(fd, call);
  }

  mmap(fd: number, bytes: number, offset: bigint): Mapping {
    return this.kernel.mmap(fd, bytes, offset);
  }

  munmap(mapping: Mapping): void {
    this.kernel.munmap(mapping);
  }

  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F> {
    return this.kernel.argument(definition);
  }

  pinned(bytes: number): { readonly bytes: Uint8Array; readonly address: number } {
    return this.kernel.pinned(bytes);
  }
}
