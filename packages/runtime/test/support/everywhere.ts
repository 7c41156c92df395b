import { describeDevice } from '@npu-llama/fixtures';

/** Where a device is driven, for openDevice. */
export interface Place {
  readonly worker: boolean;
}

/** describeDevice, of a device that this thread drives and of one in a worker: what holds of one holds of the other. */
export function describeEverywhere(name: string, body: (place: Place) => void): void {
  describeDevice(name, () => body({ worker: false }));
  describeDevice(`${name}, of a device in a worker`, () => body({ worker: true }));
}
