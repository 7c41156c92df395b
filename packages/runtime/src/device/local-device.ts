import type { NpuDriver } from '../driver/driver.js';
import type { DeviceKind, NpuDevice } from './npu-device.js';
import type { DecodeRows } from './probe-rows.js';

/** A device that this thread drives: every call to its driver blocks for as long as it takes. */
export class LocalDevice implements NpuDevice {
  constructor(
    readonly kind: DeviceKind,
    readonly driver: NpuDriver,
    readonly cores: number,
    readonly decodeRows: DecodeRows,
    readonly ffi: string,
  ) {}

  get description(): string {
    const what = this.kind === 'sim' ? 'simulated RK3588 NPU' : 'RK3588 NPU';
    const rows = this.decodeRows === 1 ? '1 row a job' : '4 rows a job';
    return `${what}, ${this.driver.description}, ${this.cores} cores, ${rows}`;
  }

  async reset(): Promise<void> {
    this.driver.reset();
  }

  async close(): Promise<void> {
    this.driver.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
