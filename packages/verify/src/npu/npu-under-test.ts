import type { LogitsModel } from '../verify/index.js';

/** A model loaded on a device, ready to be verified. */
export interface NpuUnderTest extends LogitsModel {
  /** What computes, for reports: "RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores". */
  readonly device: string;
  /** Gives back the device and its memory. */
  close(): Promise<void>;
}

export interface OpenNpuOptions {
  /** The .npu file. */
  readonly model: string;
  /** auto is the NPU where there is one, else the simulated one. */
  readonly device: 'auto' | 'rknpu' | 'sim';
  /** Node of the NPU's driver; by default it is looked for. */
  readonly devicePath?: string;
  /** Ends the loading; its reason is thrown. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesDone: number) => void;
  /** Told why, when `auto` takes the simulated device. */
  readonly onFallback?: (reason: string) => void;
}

/** Opens a device and loads a model onto it. */
export type OpenNpu = (options: OpenNpuOptions) => Promise<NpuUnderTest>;
