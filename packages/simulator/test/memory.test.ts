import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  configure,
  Device,
  errnoOf,
  isFresh,
  lastRefusal,
  MEM,
  resetStats,
  SYNC,
  stats,
} from './support/device.js';
import { Job } from './support/jobs.js';
import { makeProblem } from './support/matrices.js';

const MB = 2 ** 20;
let device: Device;
beforeEach(() => {
  configure('');
  device = new Device();
  resetStats();
});
afterEach(() => device.close());

describe('a buffer', () => {
  test('is whole pages with a page-aligned DMA address below 4 GiB and a page of nobody around it', () => {
    const buffers = [1, 4096, 4097, 100_000].map(size => device.buffer(size));
    expect(buffers.map(b => b.size)).toEqual([4096, 4096, 8192, 102_400]);
    const sorted = [...buffers].sort((a, b) => Number(a.dma - b.dma));
    for (const [i, buffer] of sorted.entries()) {
      expect(buffer.dma % 4096n).toBe(0n);
      expect(buffer.dma).toBeGreaterThan(0n);
      expect(buffer.dma + BigInt(buffer.size)).toBeLessThanOrEqual(2n ** 32n);
      const next = sorted[i + 1];
      if (next) expect(next.dma - buffer.dma - BigInt(buffer.size)).toBeGreaterThanOrEqual(4096n);
    }
    expect(new Set(buffers.map(b => b.objAddr)).size).toBe(4);
    for (const buffer of buffers) buffer.destroy();
  });

  test('has another DMA address when its place is free again: a stale one is caught', () => {
    const first = device.create(4096);
    device.destroy(first.handle, first.objAddr);
    const second = device.create(4096);
    expect(second.dma).not.toBe(first.dma);
    expect(second.objAddr).not.toBe(first.objAddr);
    device.destroy(second.handle, second.objAddr);
  });

  test.each([
    ['uncached', 0],
    ['write-combined', MEM.writeCombine],
    ['cacheable', MEM.cacheable],
  ])('holds NaNs on every side when it is new, %s, unless zeroing was asked for', (_, flags) => {
    const buffer = device.buffer(100_000, flags);
    expect(isFresh(buffer.bytes)).toBe(true);
    const zeroed = device.buffer(100_000, flags | MEM.zeroing);
    expect(zeroed.bytes.every(byte => byte === 0)).toBe(true);
    if (flags === MEM.cacheable) {
      buffer.bytes.fill(0);
      zeroed.bytes.fill(1);
      for (const each of [buffer, zeroed]) each.sync(SYNC.fromDevice);
      expect(isFresh(buffer.bytes)).toBe(true);
      expect(zeroed.bytes.every(byte => byte === 0)).toBe(true);
    }
    for (const each of [buffer, zeroed]) each.destroy();
  });

  test('that holds NaNs is mapped with all of its pages: writing it takes no page faults', () => {
    const buffer = device.buffer(100 * 4096, MEM.writeCombine);
    const maps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    const mine = maps.find(map => {
      const [start, end] = map
        .split(' ')[0]!
        .split('-')
        .map(hex => Number.parseInt(hex, 16));
      return start! <= buffer.address && buffer.address < end!;
    })!;
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(mine)![1]);
    buffer.destroy();
    expect(kilobytes('Rss')).toBe(kilobytes('Size'));
  });

  test('is not filled above the size of poison=SIZE', () => {
    configure('poison=8K');
    const [small, large] = [device.buffer(8192), device.buffer(8193)];
    expect(isFresh(small.bytes)).toBe(true);
    expect(large.bytes.every(byte => byte === 0)).toBe(true);
    for (const buffer of [small, large]) buffer.destroy();
    configure('poison=0');
    const none = device.buffer(1);
    expect(none.bytes.every(byte => byte === 0)).toBe(true);
    none.destroy();
  });

  test('that nothing was written to gives NaN, not a right answer', () => {
    const job = new Job(device, [[makeProblem('fp32', 4, 64, 32)]]);
    const fresh = device.buffer(job.features[0]!.size, MEM.writeCombine);
    job.word(0, 0x1070).value = Number(fresh.dma);
    job.submit();
    expect(job.result(0).every(v => Number.isNaN(v))).toBe(true);
    fresh.destroy();
    job.destroy();
  });

  test('may be mapped in part and more than once', () => {
    const buffer = device.buffer(8192);
    const address = device.mmap(100, device.offsetOf(buffer.handle));
    expect(address).not.toBe(buffer.address);
    expect(stats().liveMappings).toBe(2n);
    expect(errnoOf(() => device.mmap(8193, device.offsetOf(buffer.handle)))).toBe('EINVAL');
    buffer.destroy();
    expect(stats().liveMappings).toBe(1n);
    device.munmap(address, 100);
    expect(stats().liveMappings).toBe(0n);
  });

  test('is created by the 40-byte form of MEM_CREATE too', () => {
    const bytes = new Uint8Array(40);
    new DataView(bytes.buffer).setBigUint64(8, 5000n, true);
    const made = device.call(0x42, bytes);
    expect(made.getBigUint64(8, true)).toBe(8192n);
    device.destroy(made.getUint32(0, true), made.getBigUint64(16, true));
  });

  test('is closed by GEM_CLOSE too', () => {
    const made = device.create(4096);
    device.raw(0x40086409, new Uint8Array(new Uint32Array([made.handle, 0]).buffer));
    expect(stats().liveBuffers).toBe(0n);
  });
});

describe('a cacheable buffer has two sides', () => {
  const problem = makeProblem('fp32', 4, 64, 32);

  test('what the CPU wrote is invisible to the device until a sync to it', () => {
    const job = new Job(device, [[problem]]);
    const cacheable = device.buffer(problem.features.length, MEM.cacheable);
    job.word(0, 0x1070).value = Number(cacheable.dma);
    cacheable.write(problem.features);
    job.submit();
    expect(job.result(0).every(v => Number.isNaN(v))).toBe(true);
    cacheable.sync(SYNC.toDevice);
    job.submit();
    expect(job.worst()).toBeLessThanOrEqual(1);
    cacheable.destroy();
    job.destroy();
  });

  test('what the device wrote is invisible to the CPU until a sync from it, of just the cache lines synced', () => {
    const job = new Job(device, [[problem]]);
    const result = job.results[0]!;
    job.submit();
    expect(isFresh(result.bytes)).toBe(true);
    result.sync(SYNC.fromDevice, 100, 1);
    expect(isFresh(result.bytes.subarray(0, 64))).toBe(true);
    for (const line of [64, 96]) expect(isFresh(result.bytes.subarray(line, line + 32))).toBe(false);
    expect(isFresh(result.bytes.subarray(128))).toBe(true);
    job.destroy();
  });

  test('whole cache lines go along with what is synced: what the CPU has in them is lost, or written over', () => {
    const buffer = device.buffer(4096, MEM.cacheable);
    buffer.bytes.fill(1);
    buffer.sync(SYNC.toDevice);
    buffer.bytes.fill(2);
    buffer.sync(SYNC.fromDevice, 127, 2);
    expect([63, 64, 191, 192].map(at => buffer.bytes[at])).toEqual([2, 1, 1, 2]);
    buffer.bytes.fill(3);
    buffer.sync(SYNC.toDevice, 4095, 1);
    buffer.sync(SYNC.fromDevice);
    expect([4031, 4032, 4095].map(at => buffer.bytes[at])).toEqual([1, 3, 3]);
    buffer.destroy();
  });

  test('and task records are read on that of the device', () => {
    const job = new Job(device, [[problem]]);
    const cacheable = device.buffer(4096, MEM.cacheable | MEM.kernelMapping);
    job.write();
    cacheable.write(job.tasks.bytes.subarray(0, 40));
    expect(errnoOf(() => job.submit({ taskObjAddr: cacheable.objAddr }))).toBe('EINVAL');
    expect(lastRefusal()).toContain(
      'program-length: core 0, task 0: regcfg_amount of the task record = 2147450879',
    );
    cacheable.sync(SYNC.toDevice, 0, 40);
    job.submit({ taskObjAddr: cacheable.objAddr });
    expect(job.worst()).toBeLessThanOrEqual(1);
    expect(cacheable.bytes[21]).toBe(0);
    cacheable.sync(SYNC.fromDevice, 0, 40);
    expect(cacheable.bytes[21]).toBe(3); // int_status 0x300
    cacheable.destroy();
    job.destroy();
  });

  test('both directions at once: the CPU goes first', () => {
    const buffer = device.buffer(4096, MEM.cacheable);
    buffer.bytes.fill(7);
    buffer.sync(SYNC.toDevice | SYNC.fromDevice);
    expect(buffer.bytes.every(byte => byte === 7)).toBe(true);
    buffer.destroy();
  });

  test('an uncached buffer has one', () => {
    const job = new Job(device, [[problem]]);
    const uncached = device.buffer(4096);
    job.word(0, 0x4020).value = Number(uncached.dma);
    job.submit();
    expect(isFresh(uncached.bytes.subarray(0, 512))).toBe(false);
    uncached.destroy();
    job.destroy();
  });

  const ranges: [offset: number, size: number][] = [
    [0, 4097],
    [4096, 1],
    [4095, 2],
    [2 ** 40, 1],
    [1, 2 ** 52],
    [0, 0],
  ];
  test.each(ranges)('a sync of offset %d and size %d of 4096 bytes is refused', (offset, size) => {
    const buffer = device.buffer(4096, MEM.cacheable);
    expect(errnoOf(() => buffer.sync(SYNC.toDevice, offset, size))).toBe('EINVAL');
    expect(lastRefusal()).toContain(
      `sync: MEM_SYNC of handle ${buffer.handle}: offset ${offset} and size ${size}`,
    );
    buffer.destroy();
  });

  test('a sync of an uncached buffer, of none, or in no direction is refused', () => {
    const uncached = device.buffer(4096, MEM.writeCombine);
    expect(errnoOf(() => uncached.sync(SYNC.toDevice))).toBe('EINVAL');
    expect(lastRefusal()).toContain('lack cacheable (2)');
    expect(errnoOf(() => device.sync(1n, SYNC.toDevice, 0, 16))).toBe('EINVAL');
    const cacheable = device.buffer(4096, MEM.cacheable);
    expect(errnoOf(() => cacheable.sync(0))).toBe('EINVAL');
    expect(errnoOf(() => cacheable.sync(5))).toBe('EINVAL');
    for (const buffer of [uncached, cacheable]) buffer.destroy();
  });
});

describe('memory runs out', () => {
  test('contiguous memory at the size of CMA', () => {
    configure('cma=8M');
    const other = new Device();
    const first = other.create(6 * MB);
    expect(errnoOf(() => other.create(3 * MB))).toBe('ENOMEM');
    expect(lastRefusal()).toBe(
      `cma: MEM_CREATE of 3145728 bytes: 6291456 of 8388608 bytes of contiguous memory (CMA) are in use`,
    );
    other.destroy(first.handle, first.objAddr);
    const again = other.create(8 * MB);
    other.destroy(again.handle, again.objAddr);
    other.close();
  });

  test('addresses at the size of the window, with an IOMMU', () => {
    configure('iommu=1,window=16M');
    const other = new Device();
    expect(other.action(18)).toBe(1);
    const first = other.create(12 * MB);
    expect(errnoOf(() => other.create(6 * MB))).toBe('ENOMEM');
    expect(lastRefusal()).toMatch(/^window: MEM_CREATE of 6291456 bytes: no gap that large/);
    const inAnotherDomain = other.create(12 * MB, 0, 1);
    for (const buffer of [first, inAnotherDomain]) other.destroy(buffer.handle, buffer.objAddr);
    other.close();
  });

  test('a 4 GiB window does not take 4 GiB', () => {
    configure('iommu=1');
    const other = new Device();
    const buffers = Array.from({ length: 7 }, () => other.create(512 * MB));
    expect(stats().peakBufferBytes).toBe(BigInt(7 * 512 * MB));
    for (const buffer of buffers) other.destroy(buffer.handle, buffer.objAddr);
    other.close();
  });
});

test('a job of one IOMMU domain does not see the buffers of another', () => {
  configure('iommu=1');
  const other = new Device();
  const job = new Job(other, [[makeProblem('fp32', 4, 64, 32)]]);
  expect(errnoOf(() => job.submit({ domain: 2 }))).toBe('EINVAL');
  expect(lastRefusal()).toContain('dma-unmapped: core 0, task 0: regcmd_addr');
  job.submit();
  job.destroy();
  other.close();
});

test('close frees what was not destroyed and counts it as leaked', () => {
  const other = new Device();
  other.create(4096);
  other.create(8192);
  const kept = other.create(4096);
  other.destroy(kept.handle, kept.objAddr);
  expect(stats()).toMatchObject({ liveBuffers: 2n, liveBufferBytes: 12288n, leakedBuffers: 0n });
  other.close();
  expect(stats()).toMatchObject({
    liveBuffers: 0n,
    liveBufferBytes: 0n,
    leakedBuffers: 2n,
    leakedBufferBytes: 12288n,
    peakBufferBytes: 16384n,
  });
});

test('several open files have their own handles and share the cores', () => {
  const other = new Device();
  const jobs = [
    new Job(device, [[makeProblem('fp32', 4, 64, 32)]]),
    new Job(other, [[makeProblem('fp16', 4, 32, 16)]]),
  ];
  for (const job of jobs) job.submit();
  for (const job of jobs) expect(job.worst()).toBeLessThanOrEqual(1);
  expect(errnoOf(() => device.sync(jobs[1]!.results[0]!.objAddr, SYNC.fromDevice, 0, 16))).toBe('EINVAL');
  for (const job of jobs) job.destroy();
  other.close();
});

test('a thousand loads leave nothing behind', () => {
  for (let i = 0; i < 1000; i++) {
    const buffer = device.buffer(64 * 1024, MEM.cacheable);
    buffer.bytes[i] = 1;
    buffer.destroy();
  }
  expect(stats()).toMatchObject({
    allocations: 1000n,
    liveBuffers: 0n,
    liveMappings: 0n,
    peakBufferBytes: 65536n,
  });
});
