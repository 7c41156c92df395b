import { UsageError } from '@npu-llama/format';
import type { DmaBuffer, NpuDriver, Prepared } from '../driver/driver.js';
import type { DeviceThread } from './device-thread.js';
import type { OpenedDevice } from './protocol.js';

/** The driver of a device in a worker: what can be told of it. Its memory and its jobs are the worker's alone. */
export class ToldDriver implements NpuDriver {
  readonly description: string;
  readonly taskRecordBytes: number;

  constructor(
    facts: OpenedDevice['driver'],
    private readonly thread: DeviceThread,
    readonly checkOpen: () => void,
  ) {
    this.description = facts.description;
    this.taskRecordBytes = facts.taskRecordBytes;
  }

  get dmaBytesInUse(): number {
    return this.thread.dmaBytesInUse;
  }

  allocate(): DmaBuffer {
    throw inWorker('allocate');
  }

  writeTaskRecord(): void {
    throw inWorker('writeTaskRecord');
  }

  prepareJob(): Prepared {
    throw inWorker('prepareJob');
  }

  prepareSync(): Prepared {
    throw inWorker('prepareSync');
  }

  reset(): void {
    throw new UsageError('driver.reset: the device is in a worker', { next: 'await device.reset()' });
  }

  close(): void {
    throw new UsageError('driver.close: the device is in a worker', { next: 'await device.close()' });
  }
}

/** What a device in a worker does not do. */
export function inWorker(what: string): UsageError {
  return new UsageError(`${what}: not of a device in a worker, whose memory another thread works with`, {
    next: 'open the device without worker',
  });
}
