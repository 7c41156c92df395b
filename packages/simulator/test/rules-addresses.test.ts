import { describe, expect, test } from '@jest/globals';
import { errnoOf, lastRefusal } from './support/device.js';
import { Job } from './support/jobs.js';
import type { Problem } from './support/matrices.js';
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

/** What refuses a job after `change`. */
function overlapOf(perCore: Problem[][], change: (job: Job) => void): string {
  const job = new Job(used.device, perCore);
  change(job);
  const errno = errnoOf(() => job.submit());
  const refused = lastRefusal();
  const untouched = job.results.every((_, task) => job.isUntouched(task));
  job.destroy();
  if (errno === 'none') return 'runs';
  expect({ errno, untouched }).toEqual({ errno: 'EINVAL', untouched: true });
  return refused.replace('dma-overlap: ', '').replace('DPU DST_BASE_ADDR (0x4020): its result', 'the result');
}

const resultOf = (task: number, address: (job: Job) => number | bigint) => (job: Job) => {
  job.word(task, 0x4020).value = Number(address(job));
};
const register = (task: number, reg: number, offset: number) => (job: Job) =>
  job.word(task, reg).value + offset;

describe('refuses a result that overlaps', () => {
  const cores = [[small()], [small()]];
  test.each<[string, Problem[][], (job: Job) => void, string]>([
    [
      "another core's result",
      cores,
      resultOf(1, register(0, 0x4020, 16)),
      'core 1, task 1: the result overlaps the result of core 0, task 0',
    ],
    [
      "another core's result, from below",
      cores,
      resultOf(0, register(1, 0x4020, 16)),
      'core 1, task 1: the result overlaps the result of core 0, task 0',
    ],
    [
      "another core's features",
      cores,
      resultOf(0, register(1, 0x1070, 496)),
      'core 0, task 0: the result overlaps the features of core 1, task 1',
    ],
    [
      "another core's weights",
      cores,
      resultOf(1, register(0, 0x1110, 4096 - 512)),
      'core 1, task 1: the result overlaps the weights of core 0, task 0',
    ],
    [
      'its own program',
      [[small()]],
      resultOf(0, job => job.programs.dma + 512n),
      'core 0, task 0: the result overlaps the program of core 0, task 0',
    ],
    [
      'the program of the task behind it',
      [[small(), small()]],
      resultOf(0, job => job.programs.dma + 1024n + 848n),
      'core 0, task 0: the result overlaps the program of core 0, task 1',
    ],
    [
      'the program of another core',
      cores,
      resultOf(1, job => job.programs.dma),
      'core 1, task 1: the result overlaps the program of core 0, task 0',
    ],
    [
      'the task records',
      [[small(), small()]],
      resultOf(1, job => job.tasks.dma + 64n),
      'core 0, task 1: the result overlaps the task records of core 0, task 0',
    ],
  ])('%s', (_, perCore, change, says) => {
    expect(overlapOf(perCore, change)).toBe(`${says} in the same job`);
  });

  test('with a sparse stride, only where pieces meet', () => {
    // Two results of 4 rows, interleaved in surfaces of 12 rows: the rest of each surface is the other's to use.
    const interleaved = (offset: number) => (job: Job) => {
      const room = used.device.buffer(8192);
      for (const task of [0, 1]) {
        job.word(task, 0x4020).value = Number(room.dma) + task * offset;
        job.word(task, 0x4024).value = 12 << 4;
        job.word(task, 0x40c0).value = (12 * 4) << 4;
      }
    };
    const collision = 'core 1, task 1: the result overlaps the result of core 0, task 0 in the same job';
    expect([0, 16, 48].map(offset => overlapOf(cores, interleaved(offset)))).toEqual(
      Array(3).fill(collision),
    );
    expect([64, 128].map(offset => overlapOf(cores, interleaved(offset)))).toEqual(['runs', 'runs']);
    expect(overlapOf(cores, interleaved(144))).toBe(collision);
    expect(overlapOf(cores, interleaved(192 * 7 + 64))).toBe('runs');
    expect(overlapOf(cores, interleaved(192 * 7 + 48))).toBe(collision);
    expect(overlapOf(cores, interleaved(192 * 8))).toBe('runs');
  });

  test('with sparse features of another core, only where pieces meet', () => {
    // Core 1 reads 8 surfaces of 4 rows that lie 36 rows apart: core 0's 512 bytes fit between two of them.
    const between = (offset: number) => (job: Job) => {
      const room = used.device.buffer(8192);
      job.word(1, 0x1070).value = Number(room.dma);
      job.word(1, 0x1080).value = 32;
      job.word(0, 0x4020).value = Number(room.dma) + offset;
    };
    expect(overlapOf(cores, between(64))).toBe('runs');
    const collision = 'core 0, task 0: the result overlaps the features of core 1, task 1 in the same job';
    expect([0, 48, 80].map(offset => overlapOf(cores, between(offset)))).toEqual(Array(3).fill(collision));
  });
});

test('a task may replace what tasks before it on its core read and wrote', () => {
  const job = new Job(used.device, [[small(), small(), small()]]);
  job.word(1, 0x4020).value = job.word(0, 0x4020).value;
  job.word(2, 0x4020).value = job.word(0, 0x1070).value;
  job.submit();
  job.destroy();
});

test('a result in the buffer of the task records, behind them, is nobody else', () => {
  const job = new Job(used.device, [[small()]]);
  job.word(0, 0x4020).value = Number(job.tasks.dma) + 48;
  job.submit();
  job.destroy();
});
