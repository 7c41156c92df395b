import { DelegatingKernel } from '../../../src/driver/delegating-kernel.js';
import type { IoctlCall } from '../../../src/driver/ioctl.js';
import type { Mapping } from '../../../src/driver/kernel.js';

/** Calls of the driver layer, by the names that the simulated device plans their faults under. */
export const CALL_KINDS = [
  'open',
  'version',
  'action',
  'alloc',
  'map',
  'mmap',
  'submit',
  'sync',
  'munmap',
  'destroy',
  'close',
] as const;
export type CallKind = (typeof CALL_KINDS)[number];

const IOCTL_KINDS: Readonly<Record<string, CallKind>> = {
  DRM_IOCTL_VERSION: 'version',
  RKNPU_ACTION: 'action',
  RKNPU_SUBMIT: 'submit',
  RKNPU_MEM_CREATE: 'alloc',
  RKNPU_MEM_MAP: 'map',
  RKNPU_MEM_DESTROY: 'destroy',
  RKNPU_MEM_SYNC: 'sync',
};

/** Tells of every call before it is made. */
export class RecordingKernel extends DelegatingKernel {
  readonly #mapped = new Set<Mapping>();

  constructor(
    kernel: ConstructorParameters<typeof DelegatingKernel>[0],
    private readonly record: (kind: CallKind) => void,
  ) {
    super(kernel);
  }

  override open(path: string): number {
    this.record('open');
    return super.open(path);
  }

  override close(fd: number): void {
    this.record('close');
    super.close(fd);
  }

  override ioctl(fd: number, call: IoctlCall): void {
    const kind = IOCTL_KINDS[call.definition.name];
    if (kind === undefined) throw new Error(`no faults are planned for ${call.definition.name}`);
    this.record(kind);
    super.ioctl(fd, call);
  }

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    this.record('mmap');
    const mapping = super.mmap(fd, bytes, offset);
    this.#mapped.add(mapping);
    return mapping;
  }

  override munmap(mapping: Mapping): void {
    this.record('munmap');
    super.munmap(mapping);
    this.#mapped.delete(mapping);
  }

  /** Unmaps what could not be: this process has other tests to run. */
  unmapRest(): void {
    for (const mapping of this.#mapped) super.munmap(mapping);
    this.#mapped.clear();
  }
}
