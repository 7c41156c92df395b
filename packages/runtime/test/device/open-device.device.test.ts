import { existsSync } from 'node:fs';
import { beforeEach, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { openDevice } from '../../src/device/index.js';
import { DeviceError, NumericError } from '../../src/errors.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { describeEverywhere } from '../support/everywhere.js';
import { inject, leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';

beforeEach(() => simulate());

describeEverywhere('opening the simulated device', place => {
  test('leaves no buffer, no mapping and no file when it is closed again', async () => {
    const device = await openDevice({ ...place, kind: 'sim' });
    // The start-up check has freed its own.
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    expect(device.driver.dmaBytesInUse).toBe(0);
    expect(simulatorStats().allocations).toBe(5n);
    await device.close();
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('says what was opened', async () => {
    await using device = await openDevice({ ...place, kind: 'sim', cores: 2 });
    expect(device).toMatchObject({ kind: 'sim', cores: 2, decodeRows: 1, ffi: process.env['NPU_FFI'] });
    expect(device.description).toBe('simulated RK3588 NPU, rknpu 0.9.8, 2 cores, 1 row a job');
  });

  test('again and again works, and keeps nothing', async () => {
    for (let i = 0; i < 30; i++) await (await openDevice({ ...place, kind: 'sim' })).close();
    expect(leftBehind()).toEqual(NOTHING);
    expect(simulatorStats().opens).toBe(30n);
  });

  test('uses an IOMMU where there is one', async () => {
    simulate('iommu=1,cma=1');
    await using device = await openDevice({ ...place, kind: 'sim' });
    expect(device.decodeRows).toBe(1);
  });

  test.each([1, 2, 3])(
    'takes one row a job where the device computes it right, on %i core(s)',
    async cores => {
      await using device = await openDevice({ ...place, kind: 'sim', cores });
      expect(device.decodeRows).toBe(1);
    },
  );

  test.each([1, 2, 3])('takes four where it gets less wrong, on %i core(s)', async cores => {
    simulate('short-heights');
    await using device = await openDevice({ ...place, kind: 'sim', cores });
    expect(device.decodeRows).toBe(4);
    expect(device.description).toContain('4 rows a job');
  });

  test.each([1, 4] as const)('takes %i when told to, where that is right', async rows => {
    await using device = await openDevice({ ...place, kind: 'sim', rows });
    expect(device.decodeRows).toBe(rows);
  });

  test('does not take one row where it is wrong, even when told to', async () => {
    simulate('short-heights');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim', rows: 1 }));
    expect(error).toBeInstanceOf(NumericError);
    expect(error.message).toMatch(/^the NPU computes a known product wrong, with 1 row: got /);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test.each([
    ['a core that computes zeros', 'zero-core=2', /on core 2, row 0 of 1; .* on core 2, row 0 of 4/],
    ['a core that writes nothing', 'stale-core=1', /got NaN for -?\d+ at output 32 on core 1, row 0 of 1/],
    ['every core writing nothing', 'stale-core=0,stale-core=1,stale-core=2', /at output 0 on core 0/],
    ['a stuck bit in the result', 'stuck-bit=3:6', /at output 0 on core 0/],
    [
      'a bit stuck in the last result of a core, with 1 row and with 4',
      'stuck-bit=60:0,stuck-bit=204:0',
      /at output 15 on core 0, row 0 of 4/,
    ],
  ])('refuses a device with %s', async (_, plan, message) => {
    simulate(plan);
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(NumericError);
    expect(error).toMatchObject({
      exitStatus: 1,
      next: expect.stringMatching(/^npu-doctor tells which core/),
    });
    expect(error.message).toMatch(
      /^the NPU computes a known product wrong, with 1 row and with 4 rows: got /,
    );
    expect(error.message).toMatch(message);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('opens one that computes wrong for who asks to be told', async () => {
    simulate('zero-core=2');
    const told: Error[] = [];
    await using device = await openDevice({
      ...place,
      kind: 'sim',
      onWrongProduct: error => told.push(error),
    });
    expect(device.decodeRows).toBe(4);
    expect(told).toEqual([expect.any(NumericError)]);
    expect(told[0]!.message).toMatch(/on core 2/);
  });

  test('refuses a device with a core that never finishes, naming the job', async () => {
    simulate('dead-core=1');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toBe(
      'RKNPU_SUBMIT timed out after 2000 ms: start-up check with 4 rows, 0 of 6 tasks done; the device needs a reset',
    );
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('aborted before opens nothing', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(openDevice({ ...place, kind: 'sim', signal }))).toBe(reason);
    expect(simulatorStats().opens).toBe(0n);
  });

  test('aborted while a job of the start-up check hangs ends with that job, and closes the device', async () => {
    simulate('submit@1-=timeout');
    const controller = new AbortController();
    const reason = new Error('enough');
    // Without a worker the first job has failed by the time that it waits for anything, and a handler has its turn.
    const opening = openDevice({ ...place, kind: 'sim', signal: controller.signal });
    controller.abort(reason);
    expect(await rejectionOf(opening)).toBe(reason);
    expect(simulatorStats().faultsInjected).toBeLessThanOrEqual(1n);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('does without the broken core when told to use fewer', async () => {
    simulate('dead-core=2');
    await using device = await openDevice({ ...place, kind: 'sim', cores: 2 });
    expect(device.decodeRows).toBe(1);
  });

  test('refuses more cores than the device has', async () => {
    simulate('cores=2');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(
      /RKNPU_SUBMIT failed: .*\(EINVAL\).*has it fewer cores than were asked for \(--cores\)\?$/,
    );
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('falls back to four rows where a job of one row hangs, again after a reset', async () => {
    simulate('submit@1=timeout,submit@2=timeout');
    await using device = await openDevice({ ...place, kind: 'sim' });
    expect(device.decodeRows).toBe(4);
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
  });

  test('refuses a device that computes batches wrong', async () => {
    // The start-up check's first product has 512 bytes of results a task, the batch's have 4096.
    simulate('stuck-bit=3001:6');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(NumericError);
    expect(error.message).toMatch(/row \d+ of 64/);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('says both when a reset fails after a job that failed', async () => {
    simulate('submit@1=EINVAL,action@2=EIO,action@3=EIO,action@4=EIO,action@5=EIO,action@6=EIO,action@7=EIO');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error.message).toMatch(
      /^RKNPU_SUBMIT failed: .*\(EINVAL\).*\(and then: cannot reset the device: .*\(EIO\); close the device .*\)$/,
    );
    expect(leftBehind()).toEqual(NOTHING);
  });

  // Start-up makes these calls, in this order, on a good device.
  const CALLS: readonly [string, number][] = [
    ['open', 1],
    ['action', 1],
    ['alloc', 5],
    ['map', 5],
    ['mmap', 5],
    ['sync', 3],
    ['submit', 1],
    ['destroy', 5],
  ];
  const failures = CALLS.flatMap(([call, count]) =>
    Array.from({ length: count }, (_, i) => [call, i + 1, call === 'alloc' ? 'EFAULT' : 'EIO'] as const),
  );

  test.each(failures)('whose %s %i fails with %s is refused with what failed', async (call, nth, errno) => {
    simulate(`${call}@${nth}=${errno}`);
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain(`(${errno})`);
    expect(simulatorStats().faultsInjected).toBe(1n);
    // A buffer that could not be freed goes with the file.
    expect(leftBehind()).toEqual({ ...NOTHING, leakedBuffers: call === 'destroy' ? 1n : 0n });
  });

  test.each(CALLS.filter(([call]) => call !== 'open' && call !== 'mmap').map(([call]) => call))(
    'goes on when %s is interrupted by a signal',
    async call => {
      simulate(`${call}@1=EINTR,${call}@2=EAGAIN`);
      await (await openDevice({ ...place, kind: 'sim' })).close();
      expect(simulatorStats().faultsInjected).toBe(2n);
      expect(leftBehind()).toEqual(NOTHING);
    },
  );

  test('that disappears meanwhile is told as that', async () => {
    simulate('gone@1');
    const error = await rejectionOf(openDevice({ ...place, kind: 'sim' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^RKNPU_SUBMIT failed: .*\(ENODEV\): start-up check/);
  });

  const hasDri = existsSync('/dev/dri');
  (hasDri ? test.skip : test)(
    'as `auto` says why it is the simulated one (skipped where /dev/dri exists)',
    async () => {
      const reasons: string[] = [];
      await using device = await openDevice({ onFallback: reason => reasons.push(reason) });
      expect(device.kind).toBe('sim');
      expect(reasons).toEqual(['no device node of the rknpu driver in /dev/dri']);
      const error = await rejectionOf(openDevice({ kind: 'rknpu' }));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(/^no NPU found: .*use the simulated device \(--device sim\)$/);
    },
  );

  test('as the vendor device of a machine without one is refused, naming where it looked', async () => {
    const error = await rejectionOf(openDevice({ kind: 'rknpu', path: '/dev/null' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^cannot use \/dev\/null as an NPU: not a DRM device \(ENOTTY\)/);
  });
});

describeDevice("memory and jobs of one's own on the simulated device", () => {
  test('a device that hangs lets signals be handled between the tries of its start-up check', async () => {
    simulate('dead-core=0');
    const seen = new Set<bigint>();
    const look = (): void => {
      seen.add(simulatorStats().faultsInjected);
      next = setImmediate(look);
    };
    let next = setImmediate(look);
    expect(await rejectionOf(openDevice({ kind: 'sim' }))).toMatchObject({
      message: expect.stringMatching(/^RKNPU_SUBMIT timed out after 2000 ms: start-up check with 4 rows/),
    });
    clearImmediate(next);
    // With 1 row and again, with 4 rows and again.
    expect([...seen]).toEqual(expect.arrayContaining([1n, 2n, 3n]));
    expect(simulatorStats().faultsInjected).toBe(4n);
  });

  test('a job that failed is settled when its device is closed, and the next finds working cores', async () => {
    const first = await openDevice({ kind: 'sim' });
    inject('submit@1=timeout');
    const tasks = first.driver.allocate({
      label: 'tasks',
      bytes: 40,
      cache: 'cacheable',
      kernelMapping: true,
    });
    const job = first.driver.prepareJob({
      uses: [],
      label: 'job',
      taskBuffer: tasks,
      cores: [{ firstTask: 0, taskCount: 1 }],
    });
    expect(() => job.run()).toThrow(/timed out/);
    await first.close();
    await using second = await openDevice({ kind: 'sim' });
    expect(second.decodeRows).toBe(1);
    expect(simulatorStats().resets).toBe(1n);
    expect(second.driver.dmaBytesInUse).toBe(0);
  });

  test('after close are refused, and nothing crashes', async () => {
    const device = await openDevice({ kind: 'sim' });
    const buffer = device.driver.allocate({ label: 'mine', bytes: 64, cache: 'cacheable' });
    await device.close();
    expect(thrownBy(() => buffer.bytes).message).toBe('mine: used after it was freed');
    expect(
      thrownBy(() => device.driver.allocate({ label: 'mine', bytes: 64, cache: 'cacheable' })),
    ).toBeInstanceOf(DeviceError);
    expect(await rejectionOf(device.reset())).toBeInstanceOf(DeviceError);
    expect(leftBehind()).toEqual(NOTHING);
  });
});
