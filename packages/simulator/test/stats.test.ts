import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeSimulatorStats, SIMULATOR_STATS_BYTES, SIMULATOR_STATS_FIELDS } from '../src/index.js';
import { configure, Device, resetStats, SYNC, stats } from './support/device.js';
import { Job } from './support/jobs.js';
import { makeProblem } from './support/matrices.js';

let device: Device;
beforeEach(() => {
  configure('');
  device = new Device();
  resetStats();
});
afterEach(() => device.close());

test('the fields are those of native/stats.h, in order', () => {
  const header = readFileSync(new URL('../../native/stats.h', import.meta.url), 'utf8');
  const list = header.slice(
    header.indexOf('#define NPU_SIM_STATS(FIELD)'),
    header.indexOf('struct npu_sim_stats'),
  );
  const names = [...list.matchAll(/^ {2}FIELD\((\w+)\)/gm)].map(match =>
    match[1]!.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
  );
  expect(names).toEqual([...SIMULATOR_STATS_FIELDS]);
});

test('too few bytes are refused', () => {
  expect(() => decodeSimulatorStats(new Uint8Array(8))).toThrow(
    `simulator stats: 8 bytes, expected at least ${SIMULATOR_STATS_BYTES}`,
  );
});

describe('counters', () => {
  test('of a job are what it read, multiplied and wrote', () => {
    const job = new Job(device, [[makeProblem('fp32', 4, 64, 32), makeProblem('fp16', 4, 96, 16)]]);
    job.submit();
    job.results[0]!.sync(SYNC.fromDevice, 0, 128);
    job.results[0]!.sync(SYNC.toDevice, 0, 32);
    const features = BigInt(4 * 64 * 2 + 4 * 96 * 2);
    const weights = BigInt(64 * 32 * 2 + 96 * 16 * 2);
    expect(stats()).toMatchObject({
      submits: 1n,
      tasks: 2n,
      macs: BigInt(4 * 64 * 32 + 4 * 96 * 16),
      featureBytesRead: features,
      weightBytesRead: weights,
      bytesRead: features + weights,
      programBytesRead: BigInt(2 * 108 * 8),
      bytesWritten: BigInt(4 * 32 * 4 + 4 * 16 * 2),
      syncsFromDevice: 1n,
      syncBytesFromDevice: 128n,
      syncsToDevice: 1n,
      syncBytesToDevice: 32n,
      refusals: 0n,
    });
    job.destroy();
  });

  test('of traffic are readable by ACTION and cleared by it', () => {
    const job = new Job(device, [[makeProblem('fp32', 4, 64, 32)]]);
    device.action(13);
    job.submit();
    expect([14, 15, 16, 17].map(action => device.action(action))).toEqual([512, 512, 4096, 5120]);
    device.action(13);
    expect(device.action(17)).toBe(0);
    job.destroy();
  });

  test('reset to nothing but what is live', () => {
    const buffer = device.create(4096);
    resetStats();
    expect(stats()).toMatchObject({
      liveBuffers: 1n,
      liveBufferBytes: 4096n,
      peakBufferBytes: 4096n,
      allocations: 0n,
      ioctls: 0n,
    });
    device.destroy(buffer.handle, buffer.objAddr);
  });
});

test('ACTION answers for what the device is', () => {
  expect(device.action(1)).toBe(908);
  expect(device.action(2)).toBe(1_000_000_000);
  expect(device.action(18)).toBe(0);
  expect([20, 21, 22, 23, 24].map(action => device.action(action))).toEqual([0, 0, 0, 0, 0]);
});
