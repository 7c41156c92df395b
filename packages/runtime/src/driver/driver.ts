/** How the CPU sees a buffer. */
export type CacheMode =
  /** Fast to read; needs a sync in each direction. */
  | 'cacheable'
  /** Written once and in order, slow to read; no sync. */
  | 'write-combine';

export interface AllocateOptions {
  /** For messages: `weights of layers.3.wqkv`. */
  readonly label: string;
  readonly bytes: number;
  readonly cache: CacheMode;
  /** The kernel reads it too (task records). */
  readonly kernelMapping?: true;
  /** What is allocated in all, this being a part of it: for messages. */
  readonly planBytes?: number;
}

export type SyncDirection = 'to-device' | 'from-device';

/** DMA memory that the NPU and this process share. */
export interface DmaBuffer {
  readonly label: string;
  /** Where the NPU sees it: below 4 GiB. */
  readonly dmaAddress: number;
  /**
   * Where this process sees it; throws DeviceError after free(). A view taken before must not be touched afterwards: the
   * memory is gone, and that ends the process.
   */
  readonly bytes: Uint8Array;
  /** Unmaps and releases it; safe to call twice. */
  free(): void;
}

/** Tasks of one core, run in order in one kick: entries of the task array. */
export interface CoreTaskRange {
  readonly firstTask: number;
  readonly taskCount: number;
}

export interface JobOptions {
  /** For messages: `layers.3.wqkv, 1 row`. */
  readonly label: string;
  /** A buffer of task records, allocated with kernelMapping. */
  readonly taskBuffer: DmaBuffer;
  /** Entry i is core i's, counted from firstCore on. */
  readonly cores: readonly CoreTaskRange[];
  /** By default core 0. Another one only alone: no driver starts a job on cores 1 and 2. */
  readonly firstCore?: number;
  /** How long the job may take; by default the driver's own limit. */
  readonly timeoutMs?: number;
  /** Every buffer that the job's programs read or write: a job with one that was freed is not run. */
  readonly uses: readonly DmaBuffer[];
}

/** Something that was prepared once and is done again and again without allocating. */
export interface Prepared {
  /** @throws DeviceError when the driver refuses */
  run(): void;
}

/** A kernel driver of the NPU. One fd, one owner; every method throws DeviceError. */
export interface NpuDriver {
  /** `rknpu 0.9.8, /dev/dri/card1`. */
  readonly description: string;
  /** @throws DeviceError after close() */
  checkOpen(): void;
  /** Bytes of DMA memory allocated now. */
  readonly dmaBytesInUse: number;
  allocate(options: AllocateOptions): DmaBuffer;
  /** Puts task record `index` into a task buffer. */
  writeTaskRecord(taskBuffer: DmaBuffer, index: number, programAddress: number, programWords: number): void;
  /** Bytes a task record takes. */
  readonly taskRecordBytes: number;
  /** A blocking job: run() returns when every core is done. */
  prepareJob(options: JobOptions): Prepared;
  /** Of a cacheable buffer: makes what the CPU wrote to these bytes visible to the device, or the other way round. */
  prepareSync(buffer: DmaBuffer, direction: SyncDirection, offset: number, bytes: number): Prepared;
  /** After a failed job: makes the device usable again. */
  reset(): void;
  /** Frees what is still allocated and closes the device. */
  close(): void;
}
