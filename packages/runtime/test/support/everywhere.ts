import { describeDevice, describeOneAdapter } from '@npu-llama/fixtures';

/** Where a device is driven, for openDevice. */
export interface Place {
  readonly worker: boolean;
}

/**
 * describeDevice, of a device that this thread drives and of one in a worker: what holds of one holds of the other. In a worker with one
 * adapter only: what an adapter does in a thread is seen in test/worker.
 */
export function describeEverywhere(name: string, body: (place: Place) => void): void {
  describeDevice(name, () => body({ worker: false }));
  describeOneAdapter(`${name}, of a device in a worker`, () => body({ worker: true }));
}
