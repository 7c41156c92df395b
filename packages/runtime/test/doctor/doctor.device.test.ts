import { constants } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { describeDevice, describeOneAdapter } from '@npu-llama/fixtures';
import { type DoctorOptions, runDoctor } from '../../src/doctor/index.js';
import { DelegatingKernel } from '../../src/driver/delegating-kernel.js';
import type { IoctlCall } from '../../src/driver/ioctl.js';
import { KernelError } from '../../src/driver/kernel.js';
import { MEM_SYNC, SUBMIT, SyncFlag } from '../../src/driver/vendor/uapi.js';
import { argumentOf } from '../../src/testing.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { notOk, resultOf } from './support.js';

/** What is always so on the simulated device. */
const SIMULATED = { users: 'skipped', cma: 'skipped' };
const examine = (options: DoctorOptions = {}) => runDoctor({ kind: 'sim', measuredMs: 1, ...options });

describeDevice('npu-doctor on the simulated device', () => {
  afterEach(() => simulate());

  test('finds nothing wrong with one that works, and leaves nothing behind', async () => {
    simulate();
    const report = await examine();
    expect(notOk(report)).toEqual(SIMULATED);
    expect(report).toMatchObject({ version: 1, device: 'sim', simulated: true, status: 'ok' });
    expect(report.checks).toHaveLength(Object.values(report.counts).reduce((sum, count) => sum + count));
    expect(leftBehind()).toEqual(NOTHING);
    expect(simulatorStats()).toMatchObject({ refusals: 0n, timeouts: 0n, resets: 0n });
  });

  test('gives its figures as values, too', async () => {
    simulate();
    const report = await examine();
    const time = { ms: expect.any(Number), gbPerSecond: expect.any(Number), gflops: expect.any(Number) };
    expect(resultOf(report, 'core-2').values).toEqual({
      core: 2,
      modes: [
        { rows: 1, right: true, ...time },
        { rows: 4, right: true, ...time },
      ],
    });
    expect(resultOf(report, 'throughput').values).toEqual({
      cores: [0, 1, 2],
      decode: { rows: 1, ...time },
      batch: { rows: 64, ...time },
    });
    expect(resultOf(report, 'clock').values).toEqual({ driverHz: 1e9 });
    expect(resultOf(report, 'sync-to-device').values).toEqual({
      shownWithoutSync: 'old',
      mendedBySync: true,
    });
    expect(resultOf(report, 'sync-from-device').values).toEqual({
      shownWithoutSync: 'old',
      mendedBySync: true,
    });
    expect(resultOf(report, `ffi-${process.env['NPU_FFI']}`).values).toMatchObject({
      loads: true,
      chosen: true,
    });
  });
});

describeOneAdapter('npu-doctor on a simulated device with a fault', () => {
  afterEach(() => simulate());

  const works = 'a token is decoded with 1 row';
  test.each<[string, string, Record<string, string>, string, RegExp]>([
    [
      'a core that hangs',
      'dead-core=1',
      { 'core-1': 'problem', cores: 'warning' },
      'core-1',
      /^with 1 and with 4 rows: a job does not end in 2000 ms$/,
    ],
    [
      'a core that hangs, in sum',
      'dead-core=2',
      { 'core-2': 'problem', cores: 'warning' },
      'cores',
      new RegExp(`^2 of 3 work; ${works}$`),
    ],
    [
      'a core that writes zeros',
      'zero-core=2',
      { 'core-2': 'problem', cores: 'warning' },
      'core-2',
      /1 row: wrong, 0 for -?\d+ at output \d+ on core 2/,
    ],
    [
      'a core that writes nothing',
      'stale-core=0',
      { 'core-0': 'problem', cores: 'warning' },
      'core-0',
      /4 rows: wrong, NaN for/,
    ],
    [
      'a device of one core',
      'cores=1',
      { 'core-1': 'problem', 'core-2': 'problem', cores: 'warning' },
      'core-1',
      /the driver refuses the job: invalid argument \(EINVAL\)/,
    ],
    [
      'a device that needs 4 rows',
      'short-heights',
      { 'core-0': 'warning', 'core-1': 'warning', 'core-2': 'warning' },
      'cores',
      /a token is decoded with 4 rows/,
    ],
    [
      'a job that hangs once',
      'submit@1=timeout',
      { 'core-0': 'warning' },
      'core-0',
      /right.*; but only after a reset, before it: a job does not end/,
    ],
    [
      'a job that hangs once while it is timed',
      'submit@4=timeout',
      { 'core-0': 'warning' },
      'core-0',
      /only after a reset/,
    ],
    ['an old driver', 'driver=0.8.2', { driver: 'warning' }, 'driver', /^rknpu 0\.8\.2/],
    [
      'memory that is refused',
      'alloc@1=ENOMEM',
      { memory: 'problem' },
      'memory',
      /^the driver refused 8\.0 MiB .*\(ENOMEM\)/,
    ],
    [
      'memory that is not given back',
      'destroy@1=EIO',
      { memory: 'problem' },
      'memory',
      /^cannot free .*\(EIO\)/,
    ],
    ['a clock that is not told', 'action@4=EIO', { clock: 'problem' }, 'clock', /RKNPU_ACTION.*\(EIO\)/],
  ])('names %s (%s)', async (_, plan, wanted, id, detail) => {
    simulate(plan);
    const report = await examine();
    expect(notOk(report)).toEqual({ ...SIMULATED, ...wanted });
    expect(resultOf(report, id).detail).toMatch(detail);
    // What the simulated device is told to keep, it keeps until the file is closed.
    const leaked = plan.startsWith('destroy') ? 1n : 0n;
    expect(leftBehind()).toEqual({ ...NOTHING, leakedBuffers: leaked });
  });

  test('memory too scarce for a timing is no fault of the cores', async () => {
    simulate('cma=24M');
    const report = await examine();
    const warned = { 'core-0': 'warning', 'core-1': 'warning', 'core-2': 'warning' };
    expect(notOk(report)).toEqual({ ...SIMULATED, ...warned, throughput: 'problem' });
    expect(resultOf(report, 'core-1')).toMatchObject({
      detail: expect.stringMatching(/4 rows right; not timed: /),
    });
    expect(leftBehind()).toEqual(NOTHING);
  });

  // The fourth job of a core's check is a timing, and everything that is freed after it is refused.
  test('a job that fails and memory that cannot be given back then end no run: the job is the finding', async () => {
    simulate('submit@4=timeout,destroy@9-=EIO');
    const report = await examine();
    expect(report.checks.at(-1)!.id).toBe('sync-from-device');
    expect(resultOf(report, 'core-0').status).toBe('problem');
    expect(leftBehind()).toMatchObject({ openFiles: 0n, liveBuffers: 0n, liveMappings: 0n });
  });

  test('with no core that works, what needs one is skipped, and says why', async () => {
    simulate('dead-core=0,dead-core=1,dead-core=2');
    const report = await examine();
    expect(resultOf(report, 'cores')).toMatchObject({ status: 'problem', detail: 'none works' });
    for (const id of ['submit', 'throughput', 'sync-to-device', 'sync-from-device']) {
      expect(resultOf(report, id)).toMatchObject({
        status: 'skipped',
        detail: 'since "cores" has a problem',
      });
    }
    expect(resultOf(report, 'clock').status).toBe('ok');
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('when the device disappears, that is said once', async () => {
    simulate('gone@5');
    const report = await examine();
    expect(report.counts.problem).toBe(1);
    expect(resultOf(report, 'core-0').detail).toContain('(ENODEV)');
    expect(resultOf(report, 'core-1')).toMatchObject({
      status: 'skipped',
      detail: 'since the device is gone',
    });
    const { openFiles, liveBuffers, liveMappings } = leftBehind();
    expect({ openFiles, liveBuffers, liveMappings }).toEqual({
      openFiles: 0n,
      liveBuffers: 0n,
      liveMappings: 0n,
    });
  });

  test.each([
    ['a core that hangs', 'dead-core=1', 'core-1'],
    ['fewer cores', 'cores=1', 'core-1'],
    ['none that works', 'dead-core=0,dead-core=1,dead-core=2', 'cores'],
    ['an old driver', 'driver=0.8.2', 'driver'],
    ['not opening', 'open@1=EIO', 'driver'],
    ['going away', 'gone@1', 'core-0'],
    ['a call that fails', 'sync@3=EIO', 'core-0'],
    ['a job that hangs once', 'submit@1=timeout', 'core-0'],
    ['memory not taken back', 'munmap@2=EINVAL', 'memory'],
  ])('of %s (%s) advises to change the plan, and no reboot', async (_, plan, id) => {
    simulate(plan);
    const { checks } = await examine();
    expect(checks.find(check => check.id === id)?.next).toContain('change NPU_SIM');
    expect(checks.filter(({ next }) => next?.includes('boot') === true)).toEqual([]);
  });

  /** The jobs of some cores end with an errno; to the doctor it is a board's device. */
  class Refusing extends DelegatingKernel {
    constructor(
      kernel: ConstructorParameters<typeof DelegatingKernel>[0],
      private readonly cores: readonly number[],
      private readonly error: 'EINVAL' | 'EBUSY',
    ) {
      super(kernel);
    }

    override ioctl(fd: number, call: IoctlCall): void {
      const mask = Number(argumentOf(call, SUBMIT)?.get('core_mask') ?? 0);
      if (this.cores.some(core => mask & (1 << core))) {
        throw new KernelError(SUBMIT.name, constants.errno[this.error]);
      }
      super.ioctl(fd, call);
    }
  }

  test.each([
    [
      'EINVAL on cores behind one that works: there are fewer',
      [1, 2],
      'EINVAL',
      /^the driver seems to have fewer cores: dmesg/,
    ],
    ['EINVAL on all: something else', [0, 1, 2], 'EINVAL', /^look at what the driver says: dmesg/],
    ['another errno', [1, 2], 'EBUSY', /^look at what the driver says: dmesg/],
  ] as const)('on a board a job refused with %s', async (_, cores, error, next) => {
    simulate();
    const report = await examine({
      kernel: kernel => new Refusing(kernel, cores, error),
      simulated: false,
      root: '/nowhere',
    });
    expect(resultOf(report, 'core-1')).toMatchObject({
      status: 'problem',
      next: expect.stringMatching(next),
    });
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('a device that does not open is not examined', async () => {
    simulate('open@1=EIO');
    const report = await examine();
    expect(report.status).toBe('problem');
    expect(resultOf(report, 'driver').detail).toContain(
      'the simulated device does not open: open /dev/dri/card1',
    );
    expect(resultOf(report, 'core-0')).toMatchObject({
      status: 'skipped',
      detail: 'since "kernel driver" has a problem',
    });
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('behind an IOMMU, it says so', async () => {
    simulate('iommu=1');
    expect(resultOf(await examine(), 'iommu')).toMatchObject({ status: 'ok', values: { iommu: true } });
  });

  /** Does nothing for a sync in one direction. */
  class WithoutSyncs extends DelegatingKernel {
    constructor(
      kernel: ConstructorParameters<typeof DelegatingKernel>[0],
      private readonly direction: number,
    ) {
      super(kernel);
    }

    // Only of buffers as large as the coherence check's own: the start-up products stay right.
    override ioctl(fd: number, call: IoctlCall): void {
      const sync = argumentOf(call, MEM_SYNC);
      if (sync?.get('flags') === this.direction && sync.get('size') === 4096n) return;
      super.ioctl(fd, call);
    }
  }

  test('a sync to the device that does nothing is a problem', async () => {
    simulate();
    const kernel: DoctorOptions['kernel'] = inner => new WithoutSyncs(inner, SyncFlag.toDevice);
    const { status, detail } = resultOf(await examine({ kernel }), 'sync-to-device');
    expect({ status, detail }).toEqual({
      status: 'problem',
      detail: expect.stringMatching(/^the device saw other features than were synced/),
    });
  });

  test('a device that always sees what the CPU wrote is a warning: a missing sync did not show', async () => {
    simulate();
    /** Syncs everything to the device before each job. */
    class Coherent extends DelegatingKernel {
      readonly #syncs: IoctlCall[] = [];
      override ioctl(fd: number, call: IoctlCall): void {
        const sync = argumentOf(call, MEM_SYNC);
        if (sync?.get('flags') === SyncFlag.toDevice && sync.get('size') === 4096n) this.#syncs.push(call);
        if (argumentOf(call, SUBMIT) !== undefined) for (const made of this.#syncs) this.again(fd, made);
        super.ioctl(fd, call);
      }
      private again(fd: number, call: IoctlCall): void {
        try {
          super.ioctl(fd, call);
        } catch {
          // a buffer that has been freed since
        }
      }
    }
    const report = await examine({ kernel: inner => new Coherent(inner) });
    expect(resultOf(report, 'sync-to-device')).toMatchObject({
      status: 'warning',
      detail: 'one is right; a missing one did not show',
    });
  });

  test('an abort ends the run before its next check, with everything closed', async () => {
    simulate();
    const controller = new AbortController();
    const ids: string[] = [];
    const run = runDoctor({
      kind: 'sim',
      measuredMs: 1,
      signal: controller.signal,
      onResult: ({ id }) => {
        ids.push(id);
        if (id === 'open') controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(ids.at(-1)).toBe('open');
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('an abort while a core hangs ends the run before that core is tried again', async () => {
    simulate('dead-core=0');
    const controller = new AbortController();
    class Watched extends DelegatingKernel {
      override ioctl(fd: number, call: IoctlCall): void {
        // As the handler of a signal that came meanwhile, which has its turn behind the call.
        if (argumentOf(call, SUBMIT) !== undefined) setImmediate(() => controller.abort(new Error('enough')));
        super.ioctl(fd, call);
      }
    }
    const { signal } = controller;
    await expect(examine({ signal, kernel: inner => new Watched(inner) })).rejects.toThrow('enough');
    expect(simulatorStats().faultsInjected).toBe(1n);
    expect(leftBehind()).toEqual(NOTHING);
  });
});
