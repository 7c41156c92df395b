import { describe, expect, test } from '@jest/globals';
import { errnoOf, lastRefusal, MEM } from './support/device.js';
import { Job } from './support/jobs.js';
import { small, useDevice } from './support/refusals.js';

const used = useDevice();

describe('refuses a SUBMIT with', () => {
  type Changes = NonNullable<Parameters<Job['submit']>[0]>;
  const cases: [name: string, changes: Changes, says: string, errno?: string][] = [
    ['no tasks', { taskNumber: 0 }, 'task-number: SUBMIT task_number = 0'],
    ['a task_number not the sum of its cores', { taskNumber: 2 }, 'SUBMIT task_number = 2, expected 1'],
    ['no tasks for its core', { coreMask: 2 }, 'task-number: SUBMIT subcore_task[1].task_number = 0'],
    [
      'tasks past the array',
      { subcore: [[102, 1]] },
      'task-array: SUBMIT subcore_task[0] names tasks 102 to 102',
    ],
    ['4096 tasks', { taskNumber: 4096, subcore: [[0, 4096]] }, 'subcore_task[0].task_number = 4096'],
    ['core mask 8', { coreMask: 8 }, 'core-mask: SUBMIT core_mask 0x8'],
    ['core mask 5', { coreMask: 5 }, 'core-mask: SUBMIT core_mask 0x5'],
    ['slave mode', { flags: 4 }, 'job-flags: SUBMIT flags 0x4: PC (1) is not set'],
    ['nonblock', { flags: 7 }, 'job-flags: SUBMIT flags 0x7: nonblock'],
    ['a fence', { flags: 21 }, 'job-flags: SUBMIT flags 0x15: nonblock (2) and fences'],
    ['unknown flags', { flags: 0x105 }, 'job-flags: SUBMIT flags 0x105'],
    ['a base address', { taskBaseAddr: 4096n }, 'task-base: SUBMIT task_base_addr 0x1000'],
    ['a domain without an IOMMU', { domain: 1 }, 'domain: SUBMIT iommu_domain_id 1'],
    ['no time', { timeoutMs: 0 }, 'timeout: SUBMIT timeout_ms 0', 'ETIMEDOUT'],
    ["an array that is nobody's", { taskObjAddr: 1n }, 'task-array: SUBMIT task_obj_addr 0x1 is no buffer'],
    [
      'tasks for a core outside its mask',
      {
        subcore: [
          [0, 1],
          [0, 1],
        ],
      },
      'task-number: SUBMIT subcore_task[1].task_number = 1, expected 0',
    ],
  ];
  test.each(cases)('%s', (_, changes, says, errno = 'EINVAL') => {
    const job = new Job(used.device, [[small()]]);
    expect(errnoOf(() => job.submit(changes))).toBe(errno);
    expect(lastRefusal()).toContain(says);
    job.submit();
    job.destroy();
  });

  test('a task array that is not kernel-mapped', () => {
    const job = new Job(used.device, [[small()]]);
    expect(errnoOf(() => job.submit({ taskObjAddr: job.programs.objAddr }))).toBe('EINVAL');
    expect(lastRefusal()).toContain('lack kernel-mapping (8)');
    job.destroy();
  });
});

describe('refuses', () => {
  const cases: [name: string, call: () => unknown, says: string, errno?: string][] = [
    ["another driver's ioctl", () => used.device.raw(0x5401, new Uint8Array(64)), 'ioctl: request 0x5401'],
    [
      'a struct of another size',
      () => used.device.raw(0xc0606441, new Uint8Array(96)),
      'ioctl: SUBMIT request',
    ],
    ['a null argument', () => used.device.raw(0xc0086440, null), '', 'EFAULT'],
    ['an unknown action', () => used.device.action(99), 'action: ACTION 99'],
    ['a buffer of no bytes', () => used.device.create(0), 'mem-size: MEM_CREATE size 0'],
    ['a buffer over 4 GiB', () => used.device.create(2 ** 32 + 1), 'mem-size: MEM_CREATE size 4294967297'],
    ['unknown memory flags', () => used.device.create(4096, 1 << 20), 'mem-flags: MEM_CREATE flags 0x100000'],
    ['secure memory', () => used.device.create(4096, MEM.secure), 'mem-flags: MEM_CREATE flags 0x40'],
    ['cacheable and write-combined', () => used.device.create(4096, 6), 'mem-flags: MEM_CREATE flags 0x6'],
    [
      'a domain without an IOMMU',
      () => used.device.create(4096, 0, 3),
      'domain: MEM_CREATE iommu_domain_id 3',
    ],
    ['a map of no handle', () => used.device.offsetOf(77), 'handle: MEM_MAP handle 77', 'ENOENT'],
    ['a destroy of no handle', () => used.device.destroy(77, 0n), 'handle: MEM_DESTROY handle 77'],
    ["an mmap at nobody's offset", () => used.device.mmap(4096, 1 << 30), 'mmap: offset 0x40000000'],
  ];
  test.each(cases)('%s', (_, call, says, errno = 'EINVAL') => {
    expect(errnoOf(call)).toBe(errno);
    expect(lastRefusal()).toContain(says);
  });
});
