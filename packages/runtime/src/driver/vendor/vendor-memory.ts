import { DeviceError } from '../../errors.js';
import { DMA_ALIGNMENT_BYTES, DMA_WINDOW_BYTES } from '../../hardware/index.js';
import type { CmaInfo } from '../cma.js';
import type { AllocateOptions, DmaBuffer } from '../driver.js';
import type { IoctlCall } from '../ioctl.js';
import { type Kernel, KernelError } from '../kernel.js';
import { allocationError } from './allocation-error.js';
import { MEM_CREATE, MEM_DESTROY, MEM_MAP, MemFlag } from './uapi.js';
import { VendorBuffer } from './vendor-buffer.js';

export interface VendorMemoryOptions {
  readonly kernel: Kernel;
  /** The device's fd; throws DeviceError once it is closed. */
  readonly fd: () => number;
  readonly iommu: boolean;
  readonly readCma: () => CmaInfo | undefined;
}

/** A buffer object of the kernel, not yet mapped. */
interface Created {
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
    const { label, bytes } = options;
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
      const buffer = new VendorBuffer({ label, ...created, mapping, release });
      this.#buffers.add(buffer);
      this.#bytesInUse += bytes;
      return buffer;
    } catch (error) {
      this.#destroy(created);
      throw error;
    }
  }

  /** Frees whatever is still allocated. @throws the first failure, after trying all */
  freeAll(): void {
    const failures: unknown[] = [];
    for (const buffer of [...this.#buffers]) {
      try {
        buffer.free();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
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
      next: 'place CMA low: cma=512M@0-4G on the kernel command line',
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
      const { iommu, readCma } = this.#options;
      const inUseBytes = this.#bytesInUse;
      const { message: reason } = cause;
      throw allocationError({ label, bytes, planBytes, inUseBytes, iommu, cma: readCma(), reason, cause });
    }
  }

  #release(buffer: VendorBuffer): void {
    this.#buffers.delete(buffer);
    this.#bytesInUse -= buffer.byteLength;
    try {
      this.#options.kernel.munmap(buffer.mapping);
    } catch (cause) {
      throw new DeviceError(`cannot unmap ${buffer.label}: ${(cause as Error).message}`, { cause });
    } finally {
      this.#destroy(buffer);
    }
  }

  #destroy({ handle, objAddress }: { readonly handle: number; readonly objAddress: bigint }): void {
    const destroy = this.#options.kernel.argument(MEM_DESTROY).set({ handle, obj_addr: objAddress });
    try {
      this.#ioctl(destroy);
    } catch (cause) {
      if (!(cause instanceof KernelError)) throw cause;
      throw new DeviceError(`cannot free DMA buffer ${handle}: ${cause.message}`, { cause });
    }
  }

  #ioctl(call: IoctlCall): void {
    this.#options.kernel.ioctl(this.#options.fd(), call);
  }
}

function isAddressable({ dmaAddress }: Created, bytes: number): boolean {
  return dmaAddress + bytes <= DMA_WINDOW_BYTES && dmaAddress % DMA_ALIGNMENT_BYTES === 0;
}

/** @throws DeviceError for a buffer of another driver */
export function vendorBuffer(buffer: DmaBuffer): VendorBuffer {
  if (!(buffer instanceof VendorBuffer)) throw new DeviceError(`${buffer.label} belongs to another driver`);
  return buffer;
}
