import { constants } from 'node:os';
import {
  IoctlArgument,
  type IoctlCall,
  type IoctlDefinition,
  type StructFields,
} from '../../src/driver/ioctl.js';
import { type Kernel, KernelError, type Mapping } from '../../src/driver/kernel.js';

export type Errno = keyof typeof constants.errno;

export function kernelError(call: string, errno: Errno): KernelError {
  return new KernelError(call, constants.errno[errno]);
}

/** A call that reached the fake kernel. */
export interface FakeCall {
  /** `open`, `close`, `mmap`, `munmap`, or an ioctl's name. */
  readonly name: string;
  readonly fd?: number;
  readonly path?: string;
  /** Of an ioctl: its fields as they went in. */
  readonly fields?: Readonly<Record<string, number | bigint>>;
}

/** Answers an ioctl by filling in its struct, or throws. */
export type IoctlAnswer = (argument: IoctlArgument, calls: readonly FakeCall[]) => void;

const FIRST_FD = 30;

/** A kernel without an operating system: calls are recorded, answered by a script, and fail where it says. */
export class FakeKernel implements Kernel {
  readonly calls: FakeCall[] = [];
  readonly #answers: Readonly<Record<string, IoctlAnswer>>;
  readonly #failures = new Map<string, Errno>();
  #nextAddress = 0x7000_0000;
  #nextFd = FIRST_FD;

  constructor(answers: Readonly<Record<string, IoctlAnswer>> = {}) {
    this.#answers = answers;
  }

  /** From now on the nth call (from 1, from now) of this name fails; without n every one. */
  fail(name: string, errno: Errno, nth?: number): this {
    const done = this.calls.filter(call => call.name === name).length;
    this.#failures.set(nth === undefined ? name : `${name}#${done + nth}`, errno);
    return this;
  }

  succeed(name: string): this {
    this.#failures.delete(name);
    return this;
  }

  named(name: string): FakeCall[] {
    return this.calls.filter(call => call.name === name);
  }

  #record(call: FakeCall, shown = call.name): void {
    this.calls.push(call);
    const errno =
      this.#failures.get(call.name) ??
      this.#failures.get(`${call.name}#${this.named(call.name).length}`) ??
      (call.path === undefined ? undefined : this.#failures.get(call.path));
    if (errno !== undefined) throw kernelError(shown, errno);
  }

  open(path: string): number {
    this.#record({ name: 'open', path }, `open ${path}`);
    return this.#nextFd++;
  }

  close(fd: number): void {
    this.#record({ name: 'close', fd });
  }

  ioctl(fd: number, call: IoctlCall): void {
    const argument = call as IoctlArgument;
    const { name, fields } = argument.definition;
    const values = Object.fromEntries(Object.keys(fields).map(field => [field, argument.get(field)]));
    this.#record({ name, fd, fields: values });
    this.#answers[name]?.(argument, this.calls);
  }

  mmap(fd: number, bytes: number, _offset: bigint): Mapping {
    this.#record({ name: 'mmap', fd }, `mmap of ${bytes} bytes`);
    return { address: 0x5000_0000, bytes: new Uint8Array(new ArrayBuffer(bytes)) };
  }

  munmap(_mapping: Mapping): void {
    this.#record({ name: 'munmap' });
  }

  argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F> {
    const { bytes, address } = this.pinned(definition.bytes);
    return new IoctlArgument(definition, bytes, address);
  }

  readonly memory = new Map<number, Uint8Array>();

  pinned(length: number): { bytes: Uint8Array; address: number } {
    const bytes = new Uint8Array(new ArrayBuffer(length));
    const address = this.#nextAddress;
    this.#nextAddress += 0x1000;
    this.memory.set(address, bytes);
    return { bytes, address };
  }
}

/** How the vendor driver answers: buffers one behind the other from 64 KiB on, an IOMMU or none. */
export function vendorAnswers(
  options: { readonly iommu?: boolean; readonly firstAddress?: bigint } = {},
): Record<string, IoctlAnswer> {
  let handle = 0;
  let address = options.firstAddress ?? 0x10000n;
  return {
    RKNPU_ACTION: argument => {
      if (argument.get('flags') === 18) argument.set({ value: options.iommu === true ? 1 : 0 });
    },
    RKNPU_MEM_CREATE: argument => {
      handle++;
      argument.set({ handle, obj_addr: 0xffff_ff80_0000_0000n + BigInt(handle), dma_addr: address });
      address += (BigInt(argument.get('size')) + 4095n) & ~4095n;
    },
    RKNPU_MEM_MAP: argument => {
      argument.set({ offset: BigInt(argument.get('handle')) << 32n });
    },
  };
}
