import { LocalDevice } from '../../../src/device/index.js';
import type { ModelCounters, NpuDriver } from '../../../src/index.js';

/** What a clock asks of a model; `counted` can be set. */
export function fakeModel() {
  const counted: ModelCounters = { submits: 0, syncs: 0, bytesToDevice: 0, bytesFromDevice: 0, deviceMs: 0 };
  const driver = { description: 'no driver' } as unknown as NpuDriver;
  return {
    counted,
    get counters(): ModelCounters {
      return { ...counted };
    },
    device: new LocalDevice('sim', driver, 3, 1, 'koffi'),
    dmaBytes: 3 * 2 ** 20,
  };
}
