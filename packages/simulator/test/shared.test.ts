import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import koffi from 'koffi';
import { tryConfigure } from './support/device.js';
import { DeviceProcess } from './support/processes.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const CORE_0_LOCK = 1; // native/shared.c: CORE_LOCKS

describe('a device that processes share', () => {
  let folder: string;
  let path: string;
  let number = 0;
  const running: DeviceProcess[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'npu-sim-shared-'));
  });
  beforeEach(() => {
    path = join(folder, `device-${number++}`);
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.kill();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function start(plan = ''): Promise<DeviceProcess> {
    const one = await DeviceProcess.start(`shared=${path}${plan}`);
    running.push(one);
    return one;
  }

  async function opened(plan = ''): Promise<DeviceProcess> {
    const one = await start(plan);
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'none' });
    return one;
  }

  test.each([
    ['contiguous memory', '', {}],
    ['a domain', ',iommu=1', { domain: 3 }],
  ])('gives no address of %s to two of them', async (_, plan, domain) => {
    const processes = [await opened(plan), await opened(plan)];
    const ranges: { from: bigint; to: bigint }[] = [];
    for (let i = 0; i < 12; i++) {
      const size = (1 + (i % 5)) * 4 * KiB;
      const { dma } = await processes[i % 2]!.ask({ create: size, ...domain });
      ranges.push({ from: dma!, to: dma! + BigInt(size) });
    }
    ranges.sort((a, b) => Number(a.from - b.from));
    for (let i = 1; i < ranges.length; i++) {
      expect(ranges[i]!.from).toBeGreaterThanOrEqual(ranges[i - 1]!.to + 4096n); // a guard page
    }
  });

  test('has one CMA area: what one takes the other cannot have, until it is freed, closed or killed', async () => {
    const [first, second] = [await opened(',cma=8M'), await opened(',cma=8M')];
    const refused = {
      errno: 'ENOMEM',
      refusal:
        'cma: MEM_CREATE of 3145728 bytes: 6291456 of 8388608 bytes of contiguous memory (CMA) are in use',
    };
    await first.ask({ create: 6 * MiB });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject(refused);
    await first.ask({ destroyFirst: true });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject({ errno: 'none' });
    await second.ask({ destroyFirst: true });

    await first.ask({ create: 6 * MiB });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject(refused);
    await first.ask({ close: true });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject({ errno: 'none' });
    await second.ask({ destroyFirst: true });

    await first.ask({ open: true });
    await first.ask({ create: 6 * MiB });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject(refused);
    await first.kill();
    expect(await second.ask({ create: 3 * MiB })).toMatchObject({ errno: 'none' });
  });

  test('gives what a killed process had to nobody, also when a new process takes its place', async () => {
    const [first, second] = [await opened(',cma=8M'), await opened(',cma=8M')];
    await first.ask({ create: 6 * MiB });
    await first.kill();
    const third = await opened(',cma=8M');
    expect(await third.ask({ create: 3 * MiB })).toMatchObject({ errno: 'none' });
    expect(await second.ask({ create: 3 * MiB })).toMatchObject({ errno: 'none' });
  });

  test('refuses a job an address that is in a buffer of the other process', async () => {
    const [first, second] = [await opened(), await opened()];
    const { dma } = await first.ask({ create: 64 * KiB });
    expect(await second.ask({ submitWithFeaturesAt: dma! })).toMatchObject({
      errno: 'EINVAL',
      refusal: expect.stringMatching(/^dma-unmapped: /),
    });
  });

  test('has cores that hang for both until one of them resets', async () => {
    const [first, second] = [await opened(), await opened()];
    await first.ask({ plan: `shared=${path},submit@1=timeout` });
    expect(await first.ask({ submit: 2 })).toMatchObject({ errno: 'ETIMEDOUT' });
    expect(await second.ask({ submit: 2 })).toMatchObject({
      errno: 'ETIMEDOUT',
      refusal: 'core-hung: core 1 waits for ACTION reset (6) since a job on it timed out',
    });
    expect((await second.ask({ submit: 1 })).worst).toBeLessThanOrEqual(1);
    await second.ask({ reset: true });
    expect((await first.ask({ submit: 2 })).worst).toBeLessThanOrEqual(1);
  });

  test('runs one job at a time on a core: the other process waits', async () => {
    const [first, second] = [await opened(), await opened()];
    const fd = openSync(path, 'r+');
    lock(fd, CORE_0_LOCK);
    expect((await first.ask({ submit: 4 })).worst).toBeLessThanOrEqual(1); // another core
    const pending = second.ask({ submit: 7 });
    await waiterOf(path, CORE_0_LOCK, pending);
    closeSync(fd); // as the end of a process does
    expect((await pending).worst).toBeLessThanOrEqual(1);
  });

  test('is made anew by the first to open it, with its hardware; others must have the same', async () => {
    const first = await opened(',cores=1,cma=8M');
    await first.ask({ create: 6 * MiB });
    const other = await start(',cores=3,cma=8M');
    expect(await other.ask({ open: true })).toMatchObject({ errno: 'EBADMSG' });
    await first.kill();
    expect(await other.ask({ open: true })).toMatchObject({ errno: 'none' });
    expect(await other.ask({ create: 6 * MiB })).toMatchObject({ errno: 'none' });
  });

  test('is left with the last file of a process, and joined again', async () => {
    const one = await opened();
    await one.ask({ plan: '' });
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'EBUSY' });
    await one.ask({ close: true });
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'none' });
    await one.ask({ plan: `shared=${path}` });
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'EBUSY' });
    await one.ask({ close: true });
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'none' });
    expect((await one.ask({ submit: 7 })).worst).toBeLessThanOrEqual(1);
  });

  test('that can no longer be locked refuses jobs, resets and memory', async () => {
    const one = await opened();
    await one.ask({ closeDescriptorsOf: path });
    for (const request of [{ submit: 1 }, { reset: true }, { create: 4096 }] as const) {
      expect(await one.ask(request)).toMatchObject({ errno: 'EBADF' });
    }
  });

  test('is made in a file that a killed process left without a device', async () => {
    const one = await opened();
    await one.ask({ close: true });
    writeFileSync(path, Buffer.alloc(statSync(path).size));
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'none' });
    expect((await one.ask({ submit: 1 })).worst).toBeLessThanOrEqual(1);
  });

  test('leaves a file alone that is none', async () => {
    const one = await opened();
    await one.ask({ close: true });
    const { size, mode } = statSync(path);
    expect(mode).toBe(0o100600);
    for (const bytes of [Buffer.from('a file'), Buffer.alloc(size, 1)]) {
      writeFileSync(path, bytes);
      expect(await one.ask({ open: true })).toMatchObject({ errno: 'EBADMSG' });
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
    rmSync(path);
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'EBADMSG' });
    rmSync(path);
    expect(await one.ask({ open: true })).toMatchObject({ errno: 'none' });
  });

  test.each(['shared=', 'shared=here', 'shared', `shared=/${'x'.repeat(199)}`])(
    'has no path such as %s',
    plan => {
      expect(tryConfigure(plan)).toBe(false);
    },
  );
});

const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const fcntl = koffi.load(null).func('int fcntl(int, int, void *)');

/** Takes a byte's lock for an open file, as the simulator does. */
function lock(fd: number, byte: number): void {
  const range = new DataView(new ArrayBuffer(32)); // struct flock of x86-64 and arm64
  range.setInt16(0, F_WRLCK, true);
  range.setBigInt64(8, BigInt(byte), true);
  range.setBigInt64(16, 1n, true);
  expect(fcntl(fd, F_OFD_SETLK, range.buffer)).toBe(0);
}

/** Ends when somebody waits for a byte's lock. @throws Error when `waiter` ends without */
async function waiterOf(path: string, byte: number, waiter: Promise<unknown>): Promise<void> {
  const waiting = new RegExp(`-> OFDLCK .*:${statSync(path).ino} ${byte} ${byte}$`, 'm');
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  waiter.then(end, end);
  while (!waiting.test(readFileSync('/proc/locks', 'utf8'))) {
    if (ended) throw new Error(`nobody waited for byte ${byte} of ${path}`);
    await new Promise(setImmediate);
  }
}
