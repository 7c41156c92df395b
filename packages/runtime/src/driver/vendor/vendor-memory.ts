import { DeviceError } from '../../errors.js';
import { DMA_ALIGNMENT_BYTES, DMA_WINDOW_BYTES } from '../../hardware/index.js';
import type { CmaInfo } from '../cma.js';
import type { AllocateOptions, DmaBuffer } from '../driver.js';
import { freeAll, runAll } from '../free-all.js';
import type { IoctlCall } from '../ioctl.js';
import { type Kernel, KernelError } from '../kernel.js';
import { allocationError, type CmaRemedy } from './allocation-error.js';
import { REMEDIES } from './remedies.js';
import { MEM_CREATE, MEM_DESTROY, MEM_MAP, MemFlag } from './uapi.js';
import { VendorBuffer } from './vendor-buffer.js';

const PAGE_BYTES = 4096;

export interface VendorMemoryOptions {
  readonly kernel: Kernel;
  /** The device's fd; throws DeviceError once it is closed. */
  readonly fd: () => number;
  readonly iommu: boolean;
  readonly readCma: () => CmaInfo | undefined;
  readonly cmaRemedy: CmaRemedy;
  /** Called before memory goes back to the kernel. */
  readonly beforeFree: () => void;
}

/** A buffer object of the kernel, not yet mapped. */
interface Created {
  readonly label: string;
  readonly handle: number;
  readonly objAddress: bigint;
  readonly dmaAddress: number;
}

/** DMA memory of one open device: allocates, maps, and frees all of it in the end. */
export class VendorMemory {
  readonly #options: VendorMemoryOptions;
  readonly #buffers = new Set<VendorBuffer>();
  #bytesInUse = 0;

  constructor(options: VendorMemoryOptions) {
    this.#options = options;
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  allocate(options: AllocateOptions): VendorBuffer {
    const { bytes } = options;
    const { kernel, fd } = this.#options;
    const created = this.#create(options);
    const { handle } = created;
    try {
      const map = kernel.argument(MEM_MAP).set({ handle });
      const mapping = this.#explained(options, () => {
        this.#ioctl(map);
        return kernel.mmap(fd(), bytes, map.get('offset'));
      });
      const release = (freed: VendorBuffer): void => this.#release(freed);
      const buffer = new VendorBuffer({ ...created, mapping, release });
      this.#buffers.add(buffer);
      this.#bytesInUse += pageBytes(bytes);
      return buffer;
    } catch (error) {
      this.#destroyAfterFailure(created);
      throw error;
    }
  }

  /** Frees whatever is still allocated. @throws the first failure, after trying all */
  freeAll(): void {
    freeAll(this.#buffers);
  }

  /**
   * The buffer, as one of this device's that is allocated still: the kernel takes its own address of one at its word.
   * @throws DeviceError for any other
   */
  own(buffer: DmaBuffer): VendorBuffer {
    this.#options.fd();
    if (!(buffer instanceof VendorBuffer)) throw new DeviceError(`${buffer.label} belongs to another driver`);
    if (this.#buffers.has(buffer)) return buffer;
    throw new DeviceError(`${buffer.label}: used after it was freed, or with another device than its own`);
  }

  /**
   * Creates a buffer object below 4 GiB: the registers hold 32 bits, and a buffer above would be mistaken for one below.
   * Drivers for kernel 6.1 have a flag to ask for that; older ones read the same bit as its opposite, so it is only set
   * when memory came from above without it.
   */
  #create(options: AllocateOptions): Created {
    const first = this.#createWith(options, 0);
    if (isAddressable(first, options.bytes)) return first;
    this.#destroy(first);
    const second = this.#createWith(options, MemFlag.dma32);
    if (isAddressable(second, options.bytes)) return second;
    this.#destroy(second);
    throw new DeviceError(`${options.label}: the driver gave memory that the NPU cannot address`, {
      got: `${options.bytes} bytes at 0x${second.dmaAddress.toString(16)}`,
      wanted: `below 4 GiB, at a multiple of ${DMA_ALIGNMENT_BYTES}`,
      next: this.#options.cmaRemedy.low,
    });
  }

  #createWith(options: AllocateOptions, extraFlags: number): Created {
    const flags =
      (options.cache === 'cacheable' ? MemFlag.cacheable : MemFlag.writeCombine) |
      (options.kernelMapping === true ? MemFlag.kernelMapping : 0) |
      // Behind an IOMMU scattered pages do, and CMA is left to those who need it.
      (this.#options.iommu ? MemFlag.nonContiguous : MemFlag.contiguous) |
      extraFlags;
    const create = this.#options.kernel.argument(MEM_CREATE).set({ flags, size: BigInt(options.bytes) });
    this.#explained(options, () => this.#ioctl(create));
    return {
      label: options.label,
      handle: create.get('handle'),
      objAddress: create.get('obj_addr'),
      dmaAddress: Number(create.get('dma_addr')),
    };
  }

  /** Turns a refusal of the kernel into an error with all that helps. */
  #explained<T>({ label, bytes, planBytes }: AllocateOptions, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      const { iommu, readCma, cmaRemedy } = this.#options;
      const inUseBytes = this.#bytesInUse;
      const { message: reason } = cause;
      const { errno } = cause;
      const cma = readCma();
      const facts = { label, bytes, planBytes, inUseBytes, iommu, cma, errno, reason, cause };
      throw allocationError(facts, cmaRemedy);
    }
  }

  #release(buffer: VendorBuffer): void {
    this.#options.beforeFree();
    this.#buffers.delete(buffer);
    this.#bytesInUse -= pageBytes(buffer.byteLength);
    runAll([() => this.#unmap(buffer), () => this.#destroy(buffer)]);
  }

  #unmap({ label, mapping }: VendorBuffer): void {
    try {
      this.#options.kernel.munmap(mapping);
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      throw new DeviceError(`cannot unmap ${label}: ${cause.message}`, { next: REMEDIES.unmap, cause });
    }
  }

  #destroy({ label, handle, objAddress }: Pick<Created, 'label' | 'handle' | 'objAddress'>): void {
    const destroy = this.#options.kernel.argument(MEM_DESTROY).set({ handle, obj_addr: objAddress });
    try {
      this.#ioctl(destroy);
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      if (cause.errno === 'ENODEV') return; // the device has gone, and its memory with it
      throw new DeviceError(`cannot free ${label}: ${cause.message}`, { next: REMEDIES.free, cause });
    }
  }

  /** What failed before is the failure to tell. */
  #destroyAfterFailure(created: Created): void {
    try {
      this.#destroy(created);
    } catch {
      // closing the device's file frees it
    }
  }

  #ioctl(call: IoctlCall): void {
    this.#options.kernel.ioctl(this.#options.fd(), call);
  }
}

/** What the kernel takes for it. */
function pageBytes(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

function isAddressable({ dmaAddress }: Created, bytes: number): boolean {
  return dmaAddress + bytes <= DMA_WINDOW_BYTES && dmaAddress % DMA_ALIGNMENT_BYTES === 0;
}
