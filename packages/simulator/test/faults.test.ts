import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  configure,
  Device,
  errnoOf,
  lastRefusal,
  resetStats,
  SYNC,
  stats,
  tryConfigure,
} from './support/device.js';
import { Job } from './support/jobs.js';
import { makeProblem } from './support/matrices.js';

let device: Device;
beforeEach(() => {
  configure('');
  device = new Device();
  device.action(6);
  resetStats();
});
afterEach(() => {
  configure('');
  device.close();
});

const problem = (m = 4) => makeProblem('fp32', m, 64, 32);

describe('a planned fault', () => {
  test('the third submit times out and its core waits for a reset', () => {
    const job = new Job(device, [[problem()]]);
    configure('submit@3=timeout');
    job.submit();
    job.submit();
    expect(errnoOf(() => job.submit())).toBe('ETIMEDOUT');
    expect(errnoOf(() => job.submit())).toBe('ETIMEDOUT');
    device.action(6);
    job.submit();
    expect(stats()).toMatchObject({ submits: 3n, timeouts: 1n, faultsInjected: 1n });
    job.destroy();
  });

  test('a submit interrupted by a signal has run nothing and may be repeated', () => {
    const job = new Job(device, [[problem()]]);
    configure('submit@1=EINTR');
    expect(errnoOf(() => job.submit())).toBe('EINTR');
    expect(job.isUntouched(0)).toBe(true);
    job.submit();
    expect(job.worst()).toBeLessThanOrEqual(1);
    job.destroy();
  });

  test('allocations 2 and 4, the second map, the first mmap and the third sync fail as planned', () => {
    configure(
      'alloc@2=ENOMEM,alloc@4=EFAULT,map@2=ENOMEM,mmap@1=ENOMEM,sync@3=EINVAL,destroy@1=EINTR,action@1=EACCES',
    );
    expect(errnoOf(() => device.action(1))).toBe('EACCES');
    const made = [1, 2, 3, 4, 5].map(() => {
      try {
        return device.create(4096, 2);
      } catch (error) {
        return (error as { errno: string }).errno;
      }
    });
    expect(made.map(m => (typeof m === 'string' ? m : 'made'))).toEqual([
      'made',
      'ENOMEM',
      'made',
      'EFAULT',
      'made',
    ]);
    const buffers = made.filter(m => typeof m !== 'string');
    expect(buffers.map(b => errnoOf(() => device.offsetOf(b.handle)))).toEqual(['none', 'ENOMEM', 'none']);
    expect(errnoOf(() => device.mmap(4096, device.offsetOf(buffers[0]!.handle)))).toBe('ENOMEM');
    expect(
      [1, 2, 3, 4].map(() => errnoOf(() => device.sync(buffers[0]!.objAddr, SYNC.toDevice, 0, 16))),
    ).toEqual(['none', 'none', 'EINVAL', 'none']);
    expect(errnoOf(() => device.destroy(buffers[0]!.handle, buffers[0]!.objAddr))).toBe('EINTR');
    for (const buffer of buffers) device.destroy(buffer.handle, buffer.objAddr);
    expect(stats()).toMatchObject({ liveBuffers: 0n, faultsInjected: 7n });
  });

  test('the device disappears at the second submit, for every call after it', () => {
    const job = new Job(device, [[problem()]]);
    configure('gone@2');
    job.submit();
    expect(errnoOf(() => job.submit())).toBe('ENODEV');
    expect(errnoOf(() => device.create(4096))).toBe('ENODEV');
    expect(errnoOf(() => job.result(0))).toBe('ENODEV');
    expect(errnoOf(() => new Device())).toBe('ENODEV');
    configure('');
    job.destroy();
  });

  test('the device disappears at a call of any kind; unmapping and closing go on', () => {
    const { handle, objAddr } = device.create(4096);
    const address = device.mmap(4096, device.offsetOf(handle));
    const calls = [
      ['version', () => device.call(0, new Uint8Array(64))],
      ['action', () => device.action(1)],
      ['alloc', () => device.create(4096)],
      ['map', () => device.offsetOf(handle)],
      ['mmap', () => device.mmap(4096, 0)],
      ['sync', () => device.sync(objAddr, SYNC.toDevice, 0, 16)],
      ['destroy', () => device.destroy(handle, objAddr)],
      ['open', () => new Device()],
    ] as const;
    for (const [kind, call] of calls) {
      configure(`${kind}@1=gone,action@1-=EIO`);
      expect({ kind, errno: errnoOf(call) }).toEqual({ kind, errno: 'ENODEV' });
      expect({ kind, errno: errnoOf(() => device.action(1)) }).toEqual({ kind, errno: 'ENODEV' });
    }
    configure('munmap@1=gone');
    device.action(1);
    device.munmap(address, 4096);
    expect(errnoOf(() => device.action(1))).toBe('ENODEV');
    configure('');
    const other = new Device();
    configure('close@1=gone');
    other.close();
    expect(errnoOf(() => device.action(1))).toBe('ENODEV');
    configure('');
    device.destroy(handle, objAddr);
  });

  test('an open fails', () => {
    configure('open@1=EMFILE');
    expect(errnoOf(() => new Device())).toBe('EMFILE');
    new Device().close();
  });

  test('calls 2 to 4 of a kind, or all from the second on, are interrupted', () => {
    const actions = () => [1, 2, 3, 4, 5].map(() => errnoOf(() => device.action(1)));
    configure('action@2-4=EINTR');
    expect(actions()).toEqual(['none', 'EINTR', 'EINTR', 'EINTR', 'none']);
    configure('action@2-=EAGAIN');
    expect(actions()).toEqual(['none', 'EAGAIN', 'EAGAIN', 'EAGAIN', 'EAGAIN']);
  });

  test('a munmap that fails leaves the mapping, and one of ordinary memory is not counted', () => {
    const { handle } = device.create(4096);
    const { liveMappings } = stats();
    const address = device.mmap(4096, device.offsetOf(handle));
    configure('munmap@1=EINVAL');
    expect(errnoOf(() => device.munmap(address, 4096))).toBe('EINVAL');
    expect(stats().liveMappings).toBe(liveMappings + 1n);
    device.munmap(address, 4096);
    expect(stats().liveMappings).toBe(liveMappings);
    device.destroy(handle, 0n);
  });

  test('a close that fails has closed the file, as on Linux', () => {
    const { liveBuffers } = stats();
    const other = new Device();
    other.create(4096);
    configure('close@1=EIO');
    expect(errnoOf(() => other.close())).toBe('EIO');
    expect(errnoOf(() => other.close())).toBe('EBADF');
    expect(stats()).toMatchObject({ closes: 1n, liveBuffers, faultsInjected: 1n });
  });

  test('calls are counted from the configuration', () => {
    configure('alloc@1=ENOMEM');
    expect(errnoOf(() => device.create(4096))).toBe('ENOMEM');
    configure('alloc@1=ENOMEM');
    expect(errnoOf(() => device.create(4096))).toBe('ENOMEM');
  });
});

describe('a faulty core', () => {
  const two = () => new Job(device, [[problem()], [problem()]]);

  test('that is dead times out, and the other works alone', () => {
    configure('dead-core=1');
    const job = two();
    expect(errnoOf(() => job.submit())).toBe('ETIMEDOUT');
    device.action(6);
    job.submit({ taskNumber: 1, coreMask: 1, subcore: [[0, 1]] });
    job.destroy();
  });

  test('returns zeros', () => {
    configure('zero-core=1');
    const job = two();
    job.results[1]!.bytes.fill(1);
    job.results[1]!.sync(SYNC.toDevice);
    job.submit();
    expect(job.result(0).some(v => v !== 0)).toBe(true);
    expect(job.result(1).every(v => v === 0)).toBe(true);
    job.destroy();
  });

  test('leaves the old data', () => {
    configure('stale-core=0');
    const job = two();
    job.results[0]!.bytes.fill(0x41);
    job.results[0]!.sync(SYNC.toDevice);
    job.submit();
    job.result(0);
    expect(job.results[0]!.bytes.every(byte => byte === 0x41)).toBe(true);
    expect(job.result(1).some(v => v !== 0)).toBe(true);
    job.destroy();
  });
});

test('a stuck bit is set in every result', () => {
  configure('stuck-bit=7:6');
  const job = new Job(device, [[problem()]]);
  job.submit();
  const got = job.result(0);
  // Byte 7 is the top one of the second value: its bit 6 is the exponent's highest.
  expect(Math.abs(got[1]!)).toBeGreaterThanOrEqual(2);
  expect(got.filter((v, i) => Math.abs(v - problem().expected[i]!) > 1e-3)).toHaveLength(1);
  job.destroy();
});

test('heights below 4 are wrong, the same way each time; others are right', () => {
  configure('short-heights');
  const [one, four] = [new Job(device, [[problem(1)]]), new Job(device, [[problem(4)]])];
  one.submit();
  const first = [...one.result(0)];
  expect(one.worst()).toBeGreaterThan(1);
  one.submit();
  expect([...one.result(0)]).toEqual(first);
  four.submit();
  expect(four.worst()).toBeLessThanOrEqual(1);
  for (const job of [one, four]) job.destroy();
});

describe('the hardware of a plan', () => {
  test('counts for files opened after it', () => {
    configure('cores=1,driver=0.8.2');
    expect(device.action(1)).toBe(908);
    const other = new Device();
    expect(other.action(1)).toBe(802);
    const job = new Job(other, [[problem()], [problem()]]);
    expect(errnoOf(() => job.submit())).toBe('EINVAL');
    expect(lastRefusal()).toContain('core-mask: SUBMIT core_mask 0x3 on a device with 1 cores');
    const single = new Job(other, [[problem()]]);
    expect(single.submit().elapsed).toBe(0n);
    for (const each of [job, single]) each.destroy();
    other.close();
  });

  test('a bad item is refused and changes nothing', () => {
    configure('alloc@1=EFAULT');
    const bad = [
      ...[
        'cores=0',
        'cores=4',
        'cores',
        'cma=12X',
        'window=5G',
        'driver=1',
        'iommu=2',
        'node=card1',
        'engine=sse',
      ],
      ...[
        'dead-core=3',
        'stuck-bit=1',
        'stuck-bit=1:8',
        'short-heights=1',
        'submit@0=timeout',
        'submit@x=timeout',
      ],
      ...[
        'alloc@1=timeout',
        'alloc@1=ENOTHING',
        'alloc@1',
        'gone@1=EIO',
        'gone@2-3',
        'alloc@2-3=gone',
        'action@0-2=EIO',
        'action@3-2=EIO',
        'action@-2=EIO',
        'action@2-x=EIO',
        'tea@1=EIO',
        'unknown',
        'cores=1,unknown=2',
      ],
    ];
    expect(bad.filter(plan => tryConfigure(`log=0,${plan}`))).toEqual([]);
    expect(errnoOf(() => device.create(4096))).toBe('EFAULT');
  });

  test('null and "" are the defaults', () => {
    configure('cores=1');
    for (const plan of [null, '']) {
      expect(tryConfigure(plan)).toBe(true);
      const other = new Device();
      expect(other.action(18)).toBe(0);
      other.close();
    }
  });
});
