import { expect, test } from '@jest/globals';
import { errnoOf, lastRefusal } from './support/device.js';
import { Job } from './support/jobs.js';
import { record, refuses, set, small, useDevice } from './support/refusals.js';

const PAGE = 4096n;
const features = (offset: bigint) => (job: Job) => job.features[0]!.dma + offset;
const weights = (offset: bigint) => (job: Job) => job.weights[0]!.dma + offset;
const result = (offset: bigint) => (job: Job) => job.results[0]!.dma + offset;

function destroyed(job: Job): bigint {
  const gone = job.device.create(4096);
  job.device.destroy(gone.handle, gone.objAddr);
  return gone.dma;
}

refuses('DMA in no buffer:', [
  [
    'features',
    set(0x1070, 0x20000000),
    'dma-unmapped',
    'CNA FEATURE_DATA_ADDR (0x1070) = 0x20000000 is in no',
  ],
  ['features at 0', set(0x1070, 0), 'dma-unmapped', 'CNA FEATURE_DATA_ADDR (0x1070) = 0x0'],
  ['weights', set(0x1110, 0xffff0000), 'dma-unmapped', 'CNA DCOMP_ADDR0 (0x1110) = 0xffff0000'],
  ['a result', set(0x4020, 0x1000), 'dma-unmapped', 'DPU DST_BASE_ADDR (0x4020) = 0x1000'],
  ['a program', record({ regcmdAddr: 0x1000n }), 'dma-unmapped', 'regcmd_addr of the task record = 0x1000'],
  ['a buffer that was destroyed', set(0x1070, destroyed), 'dma-unmapped', 'CNA FEATURE_DATA_ADDR'],
]);

refuses('DMA past its buffer:', [
  ['features', set(0x1070, features(PAGE - 496n)), 'dma-overrun', '512 bytes leave the buffer'],
  ['weights', set(0x1110, weights(16n)), 'dma-overrun', '4096 bytes leave the buffer'],
  ['a result', set(0x4020, result(PAGE - 496n)), 'dma-overrun', 'by 16'],
  ['a program', record({ regcfgAmount: 600 }), 'dma-overrun', '4832 bytes leave the buffer'],
]);

refuses('DMA above 4 GiB:', [
  [
    'features',
    set(0x1070, 0xfffffff0),
    'dma-4gib',
    'CNA FEATURE_DATA_ADDR (0x1070) = 0xfffffff0 and 512 bytes',
  ],
  ['weights', set(0x1110, 0xfffffff0), 'dma-4gib', 'CNA DCOMP_ADDR0 (0x1110) = 0xfffffff0 and 4096 bytes'],
  ['a result', set(0x4020, 0xfffffff0), 'dma-4gib', 'DPU DST_BASE_ADDR (0x4020) = 0xfffffff0'],
  [
    'a program',
    record({ regcmdAddr: 0x100000000n }),
    'dma-4gib',
    'regcmd_addr of the task record = 0x100000000',
  ],
]);

refuses('unaligned DMA:', [
  ['features', set(0x1070, features(8n)), 'dma-alignment', 'FEATURE_DATA_ADDR'],
  ['weights', set(0x1110, weights(2n)), 'dma-alignment', 'DCOMP_ADDR0'],
  ['a result', set(0x4020, result(4n)), 'dma-alignment', 'expected a multiple of 16'],
  [
    'a program',
    record(job => ({ regcmdAddr: job.programs.dma + 8n })),
    'dma-alignment',
    'regcmd_addr of the task record',
  ],
]);

refuses('a result written over', [
  ['its own features', set(0x4020, features(0n)), 'dma-overlap', 'overlap the features read at'],
  ['its own weights', set(0x4020, weights(0n)), 'dma-overlap', 'overlap the weights read at'],
]);

const used = useDevice();
test('refuses a core that writes what another core of the job writes', () => {
  const job = new Job(used.device, [[small()], [small()]]);
  job.word(1, 0x4020).value = job.word(0, 0x4020).value + 16;
  expect(errnoOf(() => job.submit())).toBe('EINVAL');
  expect(lastRefusal()).toContain('dma-overlap: core 1, task 1: DPU DST_BASE_ADDR (0x4020)');
  job.destroy();
});
