import {
  argumentOf,
  DelegatingKernel,
  type IoctlArgument,
  type IoctlCall,
  type Mapping,
  MEM_CREATE,
  MEM_MAP,
  MEM_SYNC,
  SUBMIT,
  SyncFlag,
} from '@npu-llama/runtime/testing';

export type Submit = IoctlArgument<typeof SUBMIT.fields>;
export type Sync = IoctlArgument<typeof MEM_SYNC.fields>;

/** A DMA buffer, in the order in which buffers were made. */
export interface Memory {
  readonly dmaAddress: number;
  readonly bytes: Uint8Array;
}

/** Stands between the driver and the kernel, keeps track of DMA memory, and lets a fault take the place of a call. */
export class FaultyKernel extends DelegatingKernel {
  readonly memory: Memory[] = [];
  /** In place of a submit; `run` makes the call. */
  onSubmit: ((submit: Submit, run: () => void) => void) | undefined;
  /** In place of a sync from the device. */
  onSync: ((sync: Sync, run: () => void) => void) | undefined;
  readonly #addresses = new Map<number, number>();
  #mapping = 0;

  override ioctl(fd: number, call: IoctlCall): void {
    const run = (): void => super.ioctl(fd, call);
    const submit = argumentOf(call, SUBMIT);
    const sync = argumentOf(call, MEM_SYNC);
    if (submit !== undefined && this.onSubmit !== undefined) this.onSubmit(submit, run);
    else if (sync?.get('flags') === SyncFlag.fromDevice && this.onSync !== undefined) this.onSync(sync, run);
    else run();
    const created = argumentOf(call, MEM_CREATE);
    if (created !== undefined) this.#addresses.set(created.get('handle'), Number(created.get('dma_addr')));
    this.#mapping = argumentOf(call, MEM_MAP)?.get('handle') ?? this.#mapping;
  }

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    const mapping = super.mmap(fd, bytes, offset);
    this.memory.push({ dmaAddress: this.#addresses.get(this.#mapping)!, bytes: mapping.bytes });
    return mapping;
  }
}
