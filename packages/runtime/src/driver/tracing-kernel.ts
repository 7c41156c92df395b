import type { IoctlArgument, IoctlCall, IoctlDefinition, StructFields } from './ioctl.js';
import { type Kernel, KernelError, type Mapping } from './kernel.js';

/** Writes a line a call, decoded, before handing the call on: what NPU_TRACE=1 shows. */
export class TracingKernel implements Kernel {
  constructor(
    private readonly kernel: Kernel,
    private readonly write: (line: string) => void,
  ) {}

  open(path: string): number {
    return this.#traced(
      () => `open ${path}`,
      () => this.kernel.open(path),
      fd => `fd ${fd}`,
    );
  }

  close(fd: number): void {
    this.#traced(
      () => `close fd ${fd}`,
      () => this.kernel.close(fd),
    );
  }

  ioctl(fd: number, call: IoctlCall): void {
    const before = `${call.definition.name} ${call}`;
    this.#traced(
      () => before,
      () => this.kernel.ioctl(fd, call),
      () => call.toString(),
    );
  }

  mmap(fd: number, bytes: number, offset: bigint): Mapping {
    return this.#traced(
      () => `mmap ${bytes} bytes at offset 0x${offset.toString(16)}`,
      () => this.kernel.mmap(fd, bytes, offset),
    );
  }

  munmap(mapping: Mapping): void {
    this.#traced(
      () => `munmap ${mapping.bytes.length} bytes`,
      () => this.kernel.munmap(mapping),
    );
  }

  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F> {
    return this.kernel.argument(definition);
  }

  pinned(bytes: number): { readonly bytes: Uint8Array; readonly address: number } {
    return this.kernel.pinned(bytes);
  }

  #traced<T>(describe: () => string, call: () => T, outcome: (result: T) => string = () => 'ok'): T {
    const start = performance.now();
    const took = (): string => `${((performance.now() - start) * 1000).toFixed(0)} us`;
    try {
      const result = call();
      this.write(`npu: ${describe()} -> ${outcome(result)} (${took()})`);
      return result;
    } catch (error) {
      this.write(`npu: ${describe()} -> ${error instanceof KernelError ? error.errno : error} (${took()})`);
      throw error;
    }
  }
}
