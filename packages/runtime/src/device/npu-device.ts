import type { NpuDriver } from '../driver/driver.js';
import type { DecodeRows } from './probe-rows.js';

export type DeviceKind = 'rknpu' | 'sim';

/** An NPU that is ready for work. Close it when done: its DMA memory and its fd are released then. */
export interface NpuDevice extends AsyncDisposable {
  readonly kind: DeviceKind;
  /**
   * The kernel driver; for those who submit programs of their own. Of a device in a worker it only tells (description,
   * dmaBytesInUse, ...): what takes or gives memory throws UsageError.
   */
  readonly driver: NpuDriver;
  /** Cores that jobs are spread over. */
  readonly cores: number;
  /** Rows of a job that decodes one token. */
  readonly decodeRows: DecodeRows;
  /** Which FFI adapter reaches the driver. */
  readonly ffi: string;
  /** One line for people: `RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores`. */
  readonly description: string;
  /** After a failed job: makes the device usable again. */
  reset(): Promise<void>;
  /** Frees all DMA memory and closes the node. Called again it waits for the first call, and does nothing else. */
  close(): Promise<void>;
}
