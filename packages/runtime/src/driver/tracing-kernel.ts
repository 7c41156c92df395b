import { DelegatingKernel } from './delegating-kernel.js';
import type { IoctlCall } from './ioctl.js';
import { type Kernel, KernelError, type Mapping } from './kernel.js';

/** Writes a line a call, decoded, before handing the call on: what NPU_TRACE=1 shows. */
export class TracingKernel extends DelegatingKernel {
  constructor(
    kernel: Kernel,
    private readonly write: (line: string) => void,
  ) {
    super(kernel);
  }

  override open(path: string): number {
    return this.#traced(
      () => `open ${path}`,
      () => this.kernel.open(path),
      fd => `fd ${fd}`,
    );
  }

  override close(fd: number): void {
    this.#traced(
      () => `close fd ${fd}`,
      () => this.kernel.close(fd),
    );
  }

  override ioctl(fd: number, call: IoctlCall): void {
    const before = `${call.definition.name} ${call}`;
    this.#traced(
      () => before,
      () => this.kernel.ioctl(fd, call),
      () => call.toString(),
    );
  }

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    return this.#traced(
      () => `mmap ${bytes} bytes at offset 0x${offset.toString(16)}`,
      () => this.kernel.mmap(fd, bytes, offset),
    );
  }

  override munmap(mapping: Mapping): void {
    this.#traced(
      () => `munmap ${mapping.bytes.length} bytes`,
      () => this.kernel.munmap(mapping),
    );
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

/** NPU_TRACE=1 shows every call to the driver, decoded, on stderr. */
export function tracedIfAsked(kernel: Kernel): Kernel {
  if ((process.env['NPU_TRACE'] ?? '') === '') return kernel;
  return new TracingKernel(kernel, line => process.stderr.write(`${line}\n`));
}
