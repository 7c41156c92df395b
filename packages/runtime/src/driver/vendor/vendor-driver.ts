import { DeviceError } from '../../errors.js';
import { CORE_COUNT, MAX_TASKS_PER_SUBMIT } from '../../hardware/index.js';
import type { CmaInfo } from '../cma.js';
import type {
  AllocateOptions,
  DmaBuffer,
  JobOptions,
  NpuDriver,
  Prepared,
  SyncDirection,
} from '../driver.js';
import { runAll } from '../free-all.js';
import type { IoctlArgument, IoctlCall } from '../ioctl.js';
import { type Kernel, KernelError } from '../kernel.js';
import { type CmaRemedy, KERNEL_CMA } from './allocation-error.js';
import { GONE, REMEDIES } from './remedies.js';
import {
  ACTION,
  Action,
  JobFlag,
  MEM_SYNC,
  SUBMIT,
  SyncFlag,
  TASK_RECORD_BYTES,
  writeTaskRecord,
} from './uapi.js';
import { VendorMemory } from './vendor-memory.js';

/** The vendor's own runtime waits as long. */
const JOB_TIMEOUT_MS = 6000;

const NEEDS_RESET = 'the device needs a reset';

export interface VendorDriverOptions {
  readonly kernel: Kernel;
  /** Owned by the driver once it is constructed. */
  readonly fd: number;
  readonly description: string;
  /** What the kernel's contiguous memory has left, for messages. */
  readonly readCma: () => CmaInfo | undefined;
  /** How its owner gives the device more contiguous memory: by default on the kernel's command line. */
  readonly cmaRemedy?: CmaRemedy;
}

/** The vendor kernel's rknpu driver, on an open device node. */
export class VendorDriver implements NpuDriver {
  readonly description: string;
  readonly taskRecordBytes = TASK_RECORD_BYTES;
  readonly #kernel: Kernel;
  readonly #memory: VendorMemory;
  #fd: number | undefined;
  /** The job that left the device in need of a reset, and what to do. */
  #failed: { readonly label: string; readonly next: string } | undefined;

  constructor({ kernel, fd, description, readCma, cmaRemedy = KERNEL_CMA }: VendorDriverOptions) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.description = description;
    const iommu = this.#action(Action.iommuEnabled, 'ask whether the IOMMU is on', REMEDIES.ask) !== 0;
    const beforeFree = (): void => this.#settle();
    const openFd = (): number => this.#openFd;
    this.#memory = new VendorMemory({ kernel, fd: openFd, iommu, readCma, cmaRemedy, beforeFree });
  }

  checkOpen(): void {
    void this.#openFd;
  }

  get dmaBytesInUse(): number {
    return this.#memory.bytesInUse;
  }

  allocate(options: AllocateOptions): DmaBuffer {
    return this.#memory.allocate(options);
  }

  writeTaskRecord(taskBuffer: DmaBuffer, index: number, programAddress: number, programWords: number): void {
    const { buffer, byteOffset, byteLength } = taskBuffer.bytes;
    writeTaskRecord(new Uint32Array(buffer, byteOffset, byteLength / 4), index, programAddress, programWords);
  }

  prepareJob(options: JobOptions): Prepared {
    const { label, cores, firstCore = 0, timeoutMs = JOB_TIMEOUT_MS } = options;
    const taskBuffer = this.#memory.own(options.taskBuffer);
    const uses = [taskBuffer, ...options.uses.map(buffer => this.#memory.own(buffer))];
    const taskCount = cores.reduce((sum, core) => sum + core.taskCount, 0);
    const idle = cores.some(core => core.taskCount < 1);
    const startable = firstCore === 0 ? cores.length <= CORE_COUNT : cores.length === 1;
    if (
      cores.length < 1 ||
      !startable ||
      firstCore >= CORE_COUNT ||
      idle ||
      taskCount > MAX_TASKS_PER_SUBMIT
    ) {
      throw new DeviceError(`${label}: impossible job`, {
        got: `${taskCount} tasks on ${cores.length} cores from core ${firstCore} on`,
      });
    }
    // With three cores in the mask core i runs entry i + 2, with fewer entry i (the vendor driver's rknpu_job.c).
    const firstEntry = cores.length === CORE_COUNT ? 2 : firstCore;
    const entries = cores.flatMap((core, i) => [
      [`subcore_${firstEntry + i}_task_start`, core.firstTask],
      [`subcore_${firstEntry + i}_task_number`, core.taskCount],
    ]);
    const submit = this.#kernel.argument(SUBMIT).set({
      flags: JobFlag.pc | JobFlag.pingPong,
      timeout: timeoutMs,
      task_start: Math.min(...cores.map(core => core.firstTask)),
      task_number: taskCount,
      task_obj_addr: taskBuffer.objAddress,
      core_mask: (2 ** cores.length - 1) * 2 ** firstCore,
      fence_fd: -1,
      ...(Object.fromEntries(entries) as Record<string, number>),
    });
    return {
      run: () => {
        for (const buffer of uses) this.#memory.own(buffer);
        this.#runJob(label, taskCount, timeoutMs, submit);
      },
    };
  }

  #runJob(
    label: string,
    taskCount: number,
    timeoutMs: number,
    submit: IoctlArgument<typeof SUBMIT.fields>,
  ): void {
    if (this.#failed !== undefined) {
      const { label: failed, next } = this.#failed;
      throw new DeviceError(`${label}: not submitted, since ${failed} failed`, { next });
    }
    submit.set({ task_counter: 0 });
    const start = performance.now();
    try {
      this.#ioctl(submit);
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      this.#failed = { label, next: cause.errno === 'ENODEV' ? GONE : 'reset the device' };
      const timedOut = isTimeOut(cause.errno, performance.now() - start, timeoutMs);
      const what = timedOut ? `timed out after ${timeoutMs} ms` : `failed: ${cause.reason}`;
      const done = `${submit.get('task_counter')} of ${taskCount} tasks done`;
      throw new DeviceError(`RKNPU_SUBMIT ${what}: ${label}, ${done}`, {
        next: timedOut ? NEEDS_RESET : remedyFor(cause.errno),
        timedOut,
        cause,
      });
    }
  }

  prepareSync(buffer: DmaBuffer, direction: SyncDirection, offset: number, bytes: number): Prepared {
    const { objAddress, label, byteLength } = this.#memory.own(buffer);
    if (offset < 0 || bytes < 1 || offset + bytes > byteLength) {
      throw new DeviceError(`${label}: no bytes ${offset} to ${offset + bytes} to sync`, {
        wanted: `within ${byteLength}`,
      });
    }
    const sync = this.#kernel.argument(MEM_SYNC).set({
      flags: direction === 'to-device' ? SyncFlag.toDevice : SyncFlag.fromDevice,
      obj_addr: objAddress,
      offset: BigInt(offset),
      size: BigInt(bytes),
    });
    const what = `sync ${bytes} bytes of ${label} ${direction === 'to-device' ? 'to' : 'from'} the device`;
    return {
      run: () => {
        this.#memory.own(buffer);
        this.#named(what, REMEDIES.sync, () => this.#ioctl(sync));
      },
    };
  }

  reset(): void {
    this.#action(Action.reset, 'reset the device', REMEDIES.reset);
    this.#failed = undefined;
  }

  /**
   * A core whose job failed may be writing still; its memory goes back to the kernel only after a reset. Where that is
   * refused too there is nothing left to try.
   */
  #settle(): void {
    if (this.#failed === undefined) return;
    try {
      this.reset();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
    }
  }

  close(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    runAll([
      () => this.#settle(),
      () => this.#memory.freeAll(),
      () => {
        this.#fd = undefined;
        this.#named('close the device', REMEDIES.close, () => this.#kernel.close(fd));
      },
    ]);
  }

  get #openFd(): number {
    if (this.#fd === undefined) throw new DeviceError(`${this.description}: used after close`);
    return this.#fd;
  }

  #ioctl(call: IoctlCall): void {
    this.#kernel.ioctl(this.#openFd, call);
  }

  #action(action: number, what: string, next: string): number {
    const argument = this.#kernel.argument(ACTION).set({ flags: action });
    this.#named(what, next, () => this.#ioctl(argument));
    return argument.get('value');
  }

  #named<T>(what: string, next: string, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      throw new DeviceError(`cannot ${what}: ${cause.message}`, {
        next: cause.errno === 'ENODEV' ? GONE : next,
        cause,
      });
    }
  }
}

/** Some versions of the driver answer a job that does not end with EINVAL, but after the time that it had. */
function isTimeOut(errno: string, tookMs: number, timeoutMs: number): boolean {
  return errno === 'ETIMEDOUT' || (errno === 'EINVAL' && tookMs >= timeoutMs);
}

function remedyFor(errno: string): string {
  if (errno === 'ENODEV') return GONE;
  if (errno === 'EINVAL') return REMEDIES.submitRefused;
  return NEEDS_RESET;
}
