import { DeviceError } from '../../errors.js';
import type { DmaBuffer } from '../driver.js';
import type { Mapping } from '../kernel.js';

export interface VendorBufferParts {
  readonly label: string;
  readonly handle: number;
  /** The kernel's own address of the buffer object, which jobs and syncs name it by. */
  readonly objAddress: bigint;
  readonly dmaAddress: number;
  readonly mapping: Mapping;
  readonly release: (buffer: VendorBuffer) => void;
}

/** A buffer of the vendor driver. */
export class VendorBuffer implements DmaBuffer {
  readonly label: string;
  readonly handle: number;
  readonly objAddress: bigint;
  readonly dmaAddress: number;
  readonly byteLength: number;
  readonly #release: (buffer: VendorBuffer) => void;
  #mapping: Mapping | undefined;

  constructor(parts: VendorBufferParts) {
    this.label = parts.label;
    this.handle = parts.handle;
    this.objAddress = parts.objAddress;
    this.dmaAddress = parts.dmaAddress;
    this.byteLength = parts.mapping.bytes.length;
    this.#mapping = parts.mapping;
    this.#release = parts.release;
  }

  get bytes(): Uint8Array {
    return this.mapping.bytes;
  }

  get mapping(): Mapping {
    if (this.#mapping === undefined) throw new DeviceError(`${this.label}: used after it was freed`);
    return this.#mapping;
  }

  free(): void {
    if (this.#mapping === undefined) return;
    try {
      this.#release(this);
    } finally {
      this.#mapping = undefined;
    }
  }
}
