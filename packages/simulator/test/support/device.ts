import { constants } from 'node:os';
import koffi from 'koffi';
import {
  decodeSimulatorStats,
  SIMULATOR_ENTRY_POINTS,
  SIMULATOR_STATS_BYTES,
  type SimulatorStats,
  simulatorLibraryPath,
} from '../../src/index.js';

const library = koffi.load(simulatorLibraryPath());
const names = SIMULATOR_ENTRY_POINTS;
const native = {
  open: library.func(`int ${names.open}(const char *, int)`),
  close: library.func(`int ${names.close}(int)`),
  ioctl: library.func(`int ${names.ioctl}(int, unsigned long, void *)`),
  mmap: library.func(`uintptr_t ${names.mmap}(uintptr_t, size_t, int, int, int, int64_t)`),
  munmap: library.func(`int ${names.munmap}(uintptr_t, size_t)`),
  stats: library.func(`int ${names.stats}(void *, size_t)`),
  resetStats: library.func(`void ${names.resetStats}()`),
  configure: library.func(`int ${names.configure}(const char *)`),
  lastRefusal: library.func(`int ${names.lastRefusal}(void *, size_t)`),
};

// The device stays for the files of tests that follow in this process: no plan of this one is left in force. (A child process that
// imports this has no jest.)
const { afterAll } = globalThis as { readonly afterAll?: (body: () => void) => void };
afterAll?.(() => {
  native.configure(process.env['NPU_SIM'] ?? '');
});

const O_RDWR = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

export type Errno = keyof typeof constants.errno;

/** What a call failed with, by name. */
export class CallError extends Error {
  constructor(readonly errno: string) {
    super(errno);
  }
}

function errnoName(): string {
  const number = koffi.errno();
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

function check(status: number): number {
  if (status < 0) throw new CallError(errnoName());
  return status;
}

/** `log=0`: the refusals that tests provoke stay out of the test run's output; the last one can still be read. */
export function configure(plan: string): void {
  check(native.configure(plan === '' ? 'log=0' : `log=0,${plan}`));
}

export function tryConfigure(plan: string | null): boolean {
  return native.configure(plan) === 0;
}

export function lastRefusal(): string {
  const bytes = new Uint8Array(1024);
  check(native.lastRefusal(bytes, bytes.length));
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

function allStats(): SimulatorStats {
  const bytes = new Uint8Array(SIMULATOR_STATS_BYTES);
  check(native.stats(bytes, bytes.length));
  return decodeSimulatorStats(bytes);
}

/** The library stays loaded from one file of tests to the next, and one that makes calls fail leaves what they would have freed. */
const before = allStats();

export function stats(): SimulatorStats {
  const all = allStats();
  return {
    ...all,
    liveMappings: all.liveMappings - before.liveMappings,
    liveBuffers: all.liveBuffers - before.liveBuffers,
    liveBufferBytes: all.liveBufferBytes - before.liveBufferBytes,
    peakBufferBytes: all.peakBufferBytes - before.liveBufferBytes,
  };
}

export function resetStats(): void {
  native.resetStats();
}

const requestOf = (nr: number, size: number, direction = 3) =>
  ((direction << 30) | (size << 16) | (0x64 << 8) | nr) >>> 0;

export const MEM = { cacheable: 2, writeCombine: 4, kernelMapping: 8, zeroing: 32, secure: 64 } as const;
export const SYNC = { toDevice: 1, fromDevice: 2 } as const;

export interface Submit {
  flags?: number;
  timeoutMs?: number;
  taskNumber: number;
  taskObjAddr: bigint;
  taskBaseAddr?: bigint;
  domain?: number;
  coreMask: number;
  subcore: readonly (readonly [start: number, count: number])[];
}

export class DmaBuffer {
  constructor(
    readonly device: Device,
    readonly handle: number,
    readonly size: number,
    readonly objAddr: bigint,
    readonly dma: bigint,
    readonly address: number,
    readonly bytes: Uint8Array,
  ) {}

  write(data: ArrayBufferView, offset = 0): void {
    this.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
  }

  sync(flags: number, offset = 0, size = this.size): void {
    this.device.sync(this.objAddr, flags, offset, size);
  }

  unmap(): void {
    check(native.munmap(this.address, this.size));
  }

  destroy(): void {
    this.unmap();
    this.device.destroy(this.handle, this.objAddr);
  }
}

/** One open file of the simulated device. */
export class Device {
  readonly fd: number;

  constructor(path = '/dev/dri/card1') {
    this.fd = check(native.open(path, O_RDWR));
  }

  close(): void {
    check(native.close(this.fd));
  }

  /** Any request with any bytes; the struct comes back changed. */
  raw(request: number, bytes: Uint8Array | null): void {
    check(native.ioctl(this.fd, request, bytes));
  }

  call(nr: number, bytes: Uint8Array): DataView {
    this.raw(requestOf(nr, bytes.length), bytes);
    return new DataView(bytes.buffer);
  }

  action(action: number, value = 0): number {
    const bytes = new Uint8Array(new Uint32Array([action, value]).buffer);
    return this.call(0x40, bytes).getUint32(4, true);
  }

  submit(job: Submit): { taskCounter: number; elapsed: bigint; coreMask: number } {
    const bytes = new Uint8Array(104);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, job.flags ?? 5, true);
    view.setUint32(4, job.timeoutMs ?? 6000, true);
    view.setUint32(12, job.taskNumber, true);
    view.setBigUint64(24, job.taskObjAddr, true);
    view.setUint32(32, job.domain ?? 0, true);
    view.setBigUint64(40, job.taskBaseAddr ?? 0n, true);
    view.setUint32(56, job.coreMask, true);
    view.setInt32(60, -1, true);
    for (const [i, [start, count]] of job.subcore.entries()) {
      view.setUint32(64 + 8 * i, start, true);
      view.setUint32(68 + 8 * i, count, true);
    }
    this.call(0x41, bytes);
    return {
      taskCounter: view.getUint32(16, true),
      elapsed: view.getBigInt64(48, true),
      coreMask: view.getUint32(56, true),
    };
  }

  /** MEM_CREATE alone; see buffer() for one that is mapped too. */
  create(
    size: number,
    flags = 0,
    domain = 0,
  ): { handle: number; size: number; objAddr: bigint; dma: bigint } {
    const bytes = new Uint8Array(48);
    const view = new DataView(bytes.buffer);
    view.setUint32(4, flags, true);
    view.setBigUint64(8, BigInt(size), true);
    view.setInt32(40, domain, true);
    this.call(0x42, bytes);
    return {
      handle: view.getUint32(0, true),
      size: Number(view.getBigUint64(8, true)),
      objAddr: view.getBigUint64(16, true),
      dma: view.getBigUint64(24, true),
    };
  }

  offsetOf(handle: number): number {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, handle, true);
    return Number(this.call(0x43, bytes).getBigUint64(8, true));
  }

  mmap(size: number, offset: number): number {
    const address: number | bigint = native.mmap(0, size, PROT_READ_WRITE, MAP_SHARED, this.fd, offset);
    if (typeof address === 'bigint') throw new CallError(errnoName());
    return address;
  }

  munmap(address: number, size: number): void {
    check(native.munmap(address, size));
  }

  buffer(size: number, flags = 0, domain = 0): DmaBuffer {
    const made = this.create(size, flags, domain);
    const address = this.mmap(made.size, this.offsetOf(made.handle));
    const bytes = new Uint8Array(koffi.view(BigInt(address), made.size));
    return new DmaBuffer(this, made.handle, made.size, made.objAddr, made.dma, address, bytes);
  }

  destroy(handle: number, objAddr: bigint): void {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, handle, true);
    view.setBigUint64(8, objAddr, true);
    this.call(0x44, bytes);
  }

  sync(objAddr: bigint, flags: number, offset: number, size: number): void {
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, flags, true);
    view.setBigUint64(8, objAddr, true);
    view.setBigUint64(16, BigInt(offset), true);
    view.setBigUint64(24, BigInt(size), true);
    this.call(0x45, bytes);
  }
}

/** Whether memory holds what it holds before anybody writes: 0x7fff, a NaN as a half and two of them as a float. */
export function isFresh(bytes: Uint8Array): boolean {
  return bytes.every((byte, i) => byte === (i % 2 ? 0x7f : 0xff));
}

/** The errno a call fails with; "none" when it succeeds. */
export function errnoOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof CallError) return error.errno;
    throw error;
  }
  return 'none';
}
