import { DeviceError } from '../../errors.js';
import {
  CORE_COUNT,
  DMA_ALIGNMENT_BYTES,
  DMA_WINDOW_BYTES,
  MAX_TASKS_PER_SUBMIT,
} from '../../hardware/index.js';
import type { CmaInfo } from '../cma.js';
import type { AllocateOptions, DmaBuffer, JobOptions, NpuDriver, Prepared } from '../driver.js';
import type { IoctlArgument, IoctlCall } from '../ioctl.js';
import { type Kernel, KernelError } from '../kernel.js';
import { allocationError } from './allocation-error.js';
import {
  ACTION,
  Action,
  JobFlag,
  MEM_CREATE,
  MEM_DESTROY,
  MEM_MAP,
  MEM_SYNC,
  MemFlag,
  SUBMIT,
  SyncFlag,
  TASK_RECORD_BYTES,
  writeTaskRecord,
} from './uapi.js';
import { VendorBuffer } from './vendor-buffer.js';

/** The vendor's own runtime waits as long. */
const JOB_TIMEOUT_MS = 6000;

export interface VendorDriverOptions {
  readonly kernel: Kernel;
  /** Owned by the driver from here on. */
  readonly fd: number;
  readonly description: string;
  readonly readCma: () => CmaInfo | undefined;
}

/** The vendor kernel's rknpu driver, on an open device node. */
export class VendorDriver implements NpuDriver {
  readonly description: string;
  readonly taskRecordBytes = TASK_RECORD_BYTES;
  readonly #kernel: Kernel;
  readonly #readCma: () => CmaInfo | undefined;
  readonly #buffers = new Set<VendorBuffer>();
  readonly #iommu: boolean;
  #fd: number | undefined;
  #dmaBytesInUse = 0;
  /** The job that left the device in need of a reset. */
  #failedJob: string | undefined;

  constructor(options: VendorDriverOptions) {
    this.#kernel = options.kernel;
    this.#fd = options.fd;
    this.description = options.description;
    this.#readCma = options.readCma;
    this.#iommu = this.#action(Action.iommuEnabled, 'ask whether the IOMMU is on') !== 0;
  }

  get dmaBytesInUse(): number {
    return this.#dmaBytesInUse;
  }

  allocate(options: AllocateOptions): VendorBuffer {
    const { label, bytes } = options;
    const flags =
      (options.cache === 'cacheable' ? MemFlag.cacheable : MemFlag.writeCombine) |
      (options.kernelMapping === true ? MemFlag.kernelMapping : 0) |
      // Behind an IOMMU scattered pages do, and CMA is left to those who need it.
      (this.#iommu ? MemFlag.nonContiguous : MemFlag.contiguous);
    const create = this.#kernel.argument(MEM_CREATE).set({ flags, size: BigInt(bytes) });
    this.#allocationCall(options, () => this.#ioctl(create));
    const handle = create.get('handle');
    const objAddress = create.get('obj_addr');
    try {
      const dmaAddress = this.#checkedAddress(label, Number(create.get('dma_addr')), bytes);
      const map = this.#kernel.argument(MEM_MAP).set({ handle });
      const mapping = this.#allocationCall(options, () => {
        this.#ioctl(map);
        return this.#kernel.mmap(this.#openFd, bytes, map.get('offset'));
      });
      const release = (freed: VendorBuffer): void => this.#release(freed);
      const buffer = new VendorBuffer({ label, handle, objAddress, dmaAddress, mapping, release });
      this.#buffers.add(buffer);
      this.#dmaBytesInUse += bytes;
      return buffer;
    } catch (error) {
      this.#ioctl(this.#kernel.argument(MEM_DESTROY).set({ handle, obj_addr: objAddress }));
      throw error;
    }
  }

  #allocationCall<T>({ label, bytes, planBytes }: AllocateOptions, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      const inUseBytes = this.#dmaBytesInUse;
      const cma = this.#readCma();
      const { message: reason } = cause;
      throw allocationError({ label, bytes, planBytes, inUseBytes, iommu: this.#iommu, cma, reason, cause });
    }
  }

  /** The registers hold 32 bits: a buffer above 4 GiB would be silently mistaken for one below. */
  #checkedAddress(label: string, address: number, bytes: number): number {
    const got = `0x${address.toString(16)}`;
    if (address + bytes > DMA_WINDOW_BYTES) {
      throw new DeviceError(`${label}: the driver gave memory that the NPU cannot address`, {
        got,
        wanted: 'below 4 GiB',
        next: 'place CMA low: cma=512M@0-4G on the kernel command line',
      });
    }
    if (address % DMA_ALIGNMENT_BYTES !== 0) {
      throw new DeviceError(`${label}: DMA memory is not aligned`, {
        got,
        wanted: `a multiple of ${DMA_ALIGNMENT_BYTES}`,
      });
    }
    return address;
  }

  #release(buffer: VendorBuffer): void {
    this.#buffers.delete(buffer);
    this.#dmaBytesInUse -= buffer.byteLength;
    const { handle, objAddress, label } = buffer;
    try {
      this.#kernel.munmap(buffer.mapping);
      this.#ioctl(this.#kernel.argument(MEM_DESTROY).set({ handle, obj_addr: objAddress }));
    } catch (cause) {
      throw new DeviceError(`cannot free ${label}: ${messageOf(cause)}`, { cause });
    }
  }

  writeTaskRecord(taskBuffer: DmaBuffer, index: number, programAddress: number, programWords: number): void {
    const { buffer, byteOffset, byteLength } = taskBuffer.bytes;
    writeTaskRecord(new Uint32Array(buffer, byteOffset, byteLength / 4), index, programAddress, programWords);
  }

  prepareJob(options: JobOptions): Prepared {
    const { label, cores } = options;
    const taskCount = cores.reduce((sum, core) => sum + core.taskCount, 0);
    if (cores.length < 1 || cores.length > CORE_COUNT || taskCount < 1 || taskCount > MAX_TASKS_PER_SUBMIT) {
      throw new DeviceError(`${label}: impossible job`, {
        got: `${taskCount} tasks on ${cores.length} cores`,
      });
    }
    // With three cores in the mask core i runs entry i + 2, with fewer entry i (rknpu_job.c).
    const firstEntry = cores.length === CORE_COUNT ? 2 : 0;
    const entries = cores.flatMap((core, i) => [
      [`subcore_${firstEntry + i}_task_start`, core.firstTask],
      [`subcore_${firstEntry + i}_task_number`, core.taskCount],
    ]);
    const submit = this.#kernel.argument(SUBMIT).set({
      flags: JobFlag.pc | JobFlag.pingPong,
      timeout: JOB_TIMEOUT_MS,
      task_start: Math.min(...cores.map(core => core.firstTask)),
      task_number: taskCount,
      task_obj_addr: vendorBuffer(options.taskBuffer).objAddress,
      core_mask: 2 ** cores.length - 1,
      fence_fd: -1,
      ...(Object.fromEntries(entries) as Record<string, number>),
    });
    return { run: () => this.#runJob(label, taskCount, submit) };
  }

  #runJob(label: string, taskCount: number, submit: IoctlArgument<typeof SUBMIT.fields>): void {
    if (this.#failedJob !== undefined) {
      throw new DeviceError(`${label}: not submitted, since ${this.#failedJob} failed`, {
        next: 'reset the device',
      });
    }
    submit.set({ task_counter: 0 });
    try {
      this.#ioctl(submit);
    } catch (cause) {
      this.#failedJob = label;
      const timedOut = cause instanceof KernelError && cause.errno === 'ETIMEDOUT';
      const what = timedOut ? `timed out after ${JOB_TIMEOUT_MS} ms` : `failed: ${messageOf(cause)}`;
      const done = `${submit.get('task_counter')} of ${taskCount} tasks done`;
      throw new DeviceError(`RKNPU_SUBMIT ${what}: ${label}, ${done}`, {
        next: 'the device needs a reset',
        cause,
      });
    }
  }

  prepareSyncFromDevice(buffer: DmaBuffer, offset: number, bytes: number): Prepared {
    const { objAddress, label, byteLength } = vendorBuffer(buffer);
    if (offset < 0 || bytes < 1 || offset + bytes > byteLength) {
      throw new DeviceError(`${label}: no bytes ${offset} to ${offset + bytes} to sync`, {
        wanted: `within ${byteLength}`,
      });
    }
    const sync = this.#kernel.argument(MEM_SYNC).set({
      flags: SyncFlag.fromDevice,
      obj_addr: objAddress,
      offset: BigInt(offset),
      size: BigInt(bytes),
    });
    return {
      run: () => this.#named(`sync ${bytes} bytes of ${label} from the device`, () => this.#ioctl(sync)),
    };
  }

  reset(): void {
    this.#action(Action.reset, 'reset the device');
    this.#failedJob = undefined;
  }

  close(): void {
    if (this.#fd === undefined) return;
    const failures: unknown[] = [];
    for (const buffer of [...this.#buffers]) {
      try {
        buffer.free();
      } catch (error) {
        failures.push(error); // the others must be freed all the same
      }
    }
    const fd = this.#fd;
    this.#fd = undefined;
    this.#named('close the device', () => this.#kernel.close(fd));
    if (failures.length > 0) throw failures[0];
  }

  get #openFd(): number {
    if (this.#fd === undefined) throw new DeviceError(`${this.description}: used after close`);
    return this.#fd;
  }

  #ioctl(call: IoctlCall): void {
    this.#kernel.ioctl(this.#openFd, call);
  }

  #action(action: number, what: string): number {
    const argument = this.#kernel.argument(ACTION).set({ flags: action });
    this.#named(what, () => this.#ioctl(argument));
    return argument.get('value');
  }

  #named<T>(what: string, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      throw new DeviceError(`cannot ${what}: ${cause.message}`, { cause });
    }
  }
}

function vendorBuffer(buffer: DmaBuffer): VendorBuffer {
  if (!(buffer instanceof VendorBuffer)) throw new DeviceError(`${buffer.label} belongs to another driver`);
  return buffer;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
