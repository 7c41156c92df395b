import type { NpuDriver } from '../driver/driver.js';
import type { DecodeRows } from './probe-rows.js';

export type DeviceKind = 'rknpu' | 'sim';

/** An NPU that is ready for work. Close it when done: its DMA memory and its fd are released then. */
export class NpuDevice implements AsyncDisposable {
  constructor(
    readonly kind: DeviceKind,
    /** The kernel driver; for those who submit programs of their own. */
    readonly driver: NpuDriver,
    /** Cores that jobs are spread over. */
    readonly cores: number,
    /** Rows of a job that decodes one token. */
    readonly decodeRows: DecodeRows,
    /** Which FFI adapter reaches the driver. */
    readonly ffi: string,
  ) {}

  /** One line for people: `RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores`. */
  get description(): string {
    const what = this.kind === 'sim' ? 'simulated RK3588 NPU' : 'RK3588 NPU';
    const rows = this.decodeRows === 1 ? '1 row a job' : '4 rows a job';
    return `${what}, ${this.driver.description}, ${this.cores} cores, ${rows}`;
  }

  /** After a failed job: makes the device usable again. */
  async reset(): Promise<void> {
    this.driver.reset();
  }

  /** Frees all DMA memory and closes the node; safe to call twice. */
  async close(): Promise<void> {
    this.driver.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
