import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type DoctorOptions, runDoctor } from '../../src/doctor/index.js';
import { pageBytesOf } from '../../src/doctor/page-size.js';
import { jointCores } from '../../src/doctor/throughput.js';
import { planMemory } from '../../src/model/memory-plan.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { FakeBoard, type Nodes, resultOf, writeRoot } from './support.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
let roots = 0;

const CARD = '/dev/dri/card1';
const USER = { name: 'pi', uid: 1000, gids: [1000] };
const BOARD = { '/proc/device-tree/compatible': 'xunlong,orangepi-5\0rockchip,rk3588s\0' };
const GROUPS = 'root:x:0:\nvideo:x:44:\npi:x:1000:\n';

/** Examines a machine with these nodes and files. */
async function examine(nodes: Nodes, files: Readonly<Record<string, string>>, options: DoctorOptions = {}) {
  const board = new FakeBoard(nodes);
  const root = writeRoot(folder, `root${roots++}`, { '/proc/version': '', ...files });
  const report = await runDoctor({
    root,
    identity: USER,
    measuredMs: 1,
    kernel: () => board,
    ...options,
  });
  expect(board.openFiles).toBe(0);
  return { report, board };
}

test('of the kernel command line only what bears on the NPU is reported: reports get published', async () => {
  const line = 'root=UUID=12-34 androidboot.serialno=abc cma=512M iommu.passthrough=1 quiet\n';
  const { report } = await examine({ [CARD]: 'rknpu' }, { ...BOARD, '/proc/cmdline': line });
  expect(resultOf(report, 'driver').values).toMatchObject({ commandLine: 'cma=512M iommu.passthrough=1' });
});

describe('what is in the way of an NPU', () => {
  const uevent = { '/sys/class/drm/card1/device/uevent': 'DRIVER=RKNPU\n' };
  const bound = { '/sys/bus/platform/drivers/RKNPU/fdab0000.npu': '' };

  test.each<[string, Nodes, Record<string, string>, string, RegExp, RegExp]>([
    [
      'a PC',
      { '/dev/dri/card0': 'i915' },
      {},
      'driver',
      /^no NPU: kernel .* has neither rknpu nor rocket$/,
      /--device sim/,
    ],
    [
      'a kernel without a driver',
      {},
      BOARD,
      'driver',
      /has neither rknpu nor rocket$/,
      /boot a vendor kernel/,
    ],
    [
      'an NPU that the device tree disables',
      {},
      {
        ...BOARD,
        '/proc/device-tree/npu@fdab0000/status': 'disabled\0',
        '/sys/bus/platform/drivers/RKNPU/bind': '',
      },
      'driver',
      /drives no device; the NPU in the device tree is disabled$/,
      /device tree/,
    ],
    [
      'the mainline driver',
      { '/dev/accel/accel0': 'rocket' },
      BOARD,
      'driver',
      /^mainline driver found \(rocket 0\.9\.8 at \/dev\/accel\/accel0\); this runtime speaks the vendor's only so far$/,
      /boot a vendor kernel/,
    ],
    [
      'the mainline driver without its node',
      {},
      { '/sys/bus/platform/drivers/rocket/bind': '' },
      'driver',
      /^mainline driver found \(rocket\)/,
      /boot a vendor kernel/,
    ],
    [
      'a container without the node',
      {},
      { ...bound, ...uevent, '/.dockerenv': '' },
      'node',
      /^the driver has made \/dev\/dri\/card1, but it is not in \/dev of this container$/,
      /--device \/dev\/dri\/card1$/,
    ],
    ['a driver without a node', {}, bound, 'node', /^the driver has made no node$/, /dmesg/],
    [
      'a driver for DMA heaps',
      {},
      { ...bound, '/dev/rknpu': '' },
      'node',
      /DMA heaps/,
      /CONFIG_ROCKCHIP_RKNPU_DRM_GEM/,
    ],
    [
      'a node that may not be opened',
      { [CARD]: { open: 'EACCES' } },
      uevent,
      'node',
      /^\/dev\/dri\/card1 may not be opened$/,
      /^see permission$/,
    ],
    [
      'no files left',
      { [CARD]: { open: 'EMFILE' } },
      { ...uevent, ...bound },
      'node',
      /^cannot look for it: .*\(EMFILE\)$/,
      /ulimit -n/,
    ],
  ])('%s is told for what it is', async (_, nodes, files, id, detail, next) => {
    const { report, board } = await examine(nodes, files);
    const result = resultOf(report, id);
    expect(result.status).toBe('problem');
    expect(result.detail).toMatch(detail);
    expect(result.next).toMatch(next);
    expect(resultOf(report, 'core-0').status).toBe('skipped');
    expect(board.named('RKNPU_MEM_CREATE')).toEqual([]);
  });

  test('another chip is never given a job, nor memory', async () => {
    const tree = { '/proc/device-tree/compatible': 'radxa,rock-3a\0rockchip,rk3568\0' };
    const { report, board } = await examine({ [CARD]: 'rknpu' }, tree);
    expect(resultOf(report, 'chip')).toMatchObject({
      status: 'problem',
      next: expect.stringContaining('RK3588'),
    });
    expect(resultOf(report, 'open')).toMatchObject({
      status: 'skipped',
      detail: 'since "board" has a problem',
    });
    expect([...board.named('RKNPU_SUBMIT'), ...board.named('RKNPU_ACTION')]).toEqual([]);
  });

  test('a display that may not be opened is not taken for an NPU', async () => {
    const display = { '/sys/class/drm/card0/device/uevent': 'DRIVER=rockchip-drm\n' };
    const { report } = await examine({ '/dev/dri/card0': { open: 'EACCES' } }, display);
    expect(resultOf(report, 'driver').detail).toMatch(/^no NPU/);
  });

  test('a display is told of, by what sysfs says, and not opened', async () => {
    const driver = 'DRIVER=rockchip-drm\n';
    const display = { '/sys/class/drm/card0/device/uevent': driver, '/dev/dri/card0': '' };
    const nodes = { '/dev/dri/card0': 'rockchip', [CARD]: 'rknpu' };
    const { report, board } = await examine(nodes, { ...BOARD, ...uevent, ...display });
    expect(resultOf(report, 'node').detail).toBe(`${CARD}; also there: /dev/dri/card0 (rockchip-drm)`);
    const opened = board.named('open').map(({ path }) => path);
    expect(opened).toContain(CARD);
    expect(opened).not.toContain('/dev/dri/card0');
  });

  test('under npu-sim the node is asked, whatever sysfs has by its name', async () => {
    const display = { '/sys/class/drm/card1/device/uevent': 'DRIVER=i915\n' };
    const { report } = await examine({ [CARD]: 'rknpu' }, display, { simulated: true });
    expect(resultOf(report, 'node').detail).toBe(`${CARD}, by npu-sim`);
  });

  test('a path given that is another driver', async () => {
    const { report } = await examine({ '/dev/dri/card0': 'i915' }, {}, { path: '/dev/dri/card0' });
    expect(resultOf(report, 'driver').detail).toBe("/dev/dri/card0 is no NPU's: its driver is i915");
  });
});

describe('permission', () => {
  const refused = { [CARD]: { open: 'EACCES' } } as const;

  test.each<[string, Record<string, string>, DoctorOptions['identity'], RegExp]>([
    [
      'a user outside the group',
      { '/etc/group': GROUPS },
      USER,
      /^sudo usermod -aG GROUP pi, then log in again$/,
    ],
    [
      'a session older than the membership',
      { '/etc/group': 'GROUP:x:GID:pi\n' },
      USER,
      /^log in again: pi is in GROUP/,
    ],
    [
      'a container',
      { '/etc/group': GROUPS, '/.dockerenv': '' },
      USER,
      /^start the container with --group-add GID$/,
    ],
    [
      'root in a container',
      { '/.dockerenv': '' },
      { name: 'root', uid: 0, gids: [0] },
      /^the mode allows it, the container does not: start it with --device/,
    ],
    ['root', {}, { name: 'root', uid: 0, gids: [0] }, /access lists/],
  ])('of %s: the command that helps', async (_, files, identity, next) => {
    // The node belongs to whoever runs this test: its group gets the name that the text is about.
    const gid = 4711;
    const named = Object.fromEntries(
      Object.entries(files).map(([path, text]) => [
        path,
        text.replace('video:x:44', `render:x:${gid}`).replace('GROUP', 'render').replace('GID', String(gid)),
      ]),
    );
    const { report } = await examineOwned(gid, refused, named, identity);
    const result = resultOf(report, 'permission');
    expect(result.status).toBe('problem');
    expect(result.next).toMatch(
      new RegExp(next.source.replaceAll('GROUP', 'render').replaceAll('GID', String(gid))),
    );
  });

  /** A node of that group, mode 660. */
  async function examineOwned(
    gid: number,
    nodes: Nodes,
    files: Record<string, string>,
    identity: DoctorOptions['identity'],
  ) {
    const { HostFiles } = await import('../../src/doctor/host-files.js');
    const original = HostFiles.prototype.owner;
    HostFiles.prototype.owner = function owner(path) {
      return path === CARD ? { uid: 0, gid, mode: 0o660 } : original.call(this, path);
    };
    try {
      return await examine(nodes, files, identity === undefined ? {} : { identity });
    } finally {
      HostFiles.prototype.owner = original;
    }
  }
});

describe('CMA', () => {
  const nodes = { [CARD]: 'rknpu' };
  const meminfo = (totalMib: number, freeMib: number): Record<string, string> => ({
    ...BOARD,
    '/proc/meminfo': `CmaTotal: ${totalMib * 1024} kB\nCmaFree: ${freeMib * 1024} kB\n`,
  });
  const bytes = 218 * 2 ** 20;
  const matrices = [
    { name: 'w', rows: bytes / 2048, columns: 1024, paddedRows: bytes / 2048, paddedColumns: 1024 },
  ];
  const plan = {
    ...planMemory({
      config: {} as never,
      matrices: matrices as never,
      cores: 3,
      decodeRows: 1,
      taskRecordBytes: 40,
      path: 'm',
    }),
    totalBytes: bytes,
  };
  const model = { path: 'm.npu', plan };

  test.each<[string, Record<string, string>, DoctorOptions['model'], string, RegExp | undefined]>([
    ['enough', meminfo(512, 400), model, 'ok', undefined],
    ['too small an area', meminfo(128, 100), model, 'problem', /^boot with cma=512M/],
    [
      'an area that others use',
      meminfo(512, 100),
      model,
      'problem',
      /^close other users.* or boot with cma=512M/,
    ],
    ['none', BOARD, model, 'problem', /cma=512M/],
    ['little, without a model', meminfo(64, 60), undefined, 'warning', /cma=512M/],
    ['enough, without a model', meminfo(512, 100), undefined, 'ok', undefined],
  ])('%s', async (_, files, given, status, next) => {
    const { report } = await examine(nodes, files, given === undefined ? {} : { model: given });
    const result = resultOf(report, 'cma');
    expect(result.status).toBe(status);
    if (next === undefined) expect(result.next).toBeUndefined();
    else expect(result.next).toMatch(next);
  });
});

describe('CMA where the node does not open', () => {
  const refused = { [CARD]: { open: 'EACCES' } } as const;
  const files = {
    ...BOARD,
    '/sys/class/drm/card1/device/uevent': 'DRIVER=RKNPU\n',
    '/sys/bus/platform/drivers/RKNPU/fdab0000.npu': '',
    '/proc/meminfo': 'CmaTotal: 8192 kB\nCmaFree: 4096 kB\n',
  };
  const model = { path: 'm.npu', plan: { totalBytes: 218 * 2 ** 20 } as never };

  test('is no problem: whether there is an IOMMU is not known', async () => {
    const { report } = await examine(refused, files, { model });
    expect(resultOf(report, 'cma')).toMatchObject({
      status: 'warning',
      detail: expect.stringMatching(/the model takes 218 MiB; only needed without an IOMMU/),
    });
    expect(report.checks.filter(({ status }) => status === 'problem').map(({ id }) => id)).toEqual([
      'node',
      'permission',
    ]);
  });

  test('is fine where sysfs has the NPU behind an IOMMU', async () => {
    const group = { '/sys/bus/platform/devices/fdab0000.npu/iommu_group/type': 'DMA' };
    const { report } = await examine(refused, { ...files, ...group }, { model });
    expect(resultOf(report, 'cma')).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(/; not needed behind an IOMMU$/),
    });
  });
});

describe('other programs on the NPU', () => {
  const uevent = 'DRIVER=RKNPU\n';
  const files = {
    ...BOARD,
    '/sys/class/drm/card1/device/uevent': uevent,
    '/sys/class/drm/renderD129/device/uevent': uevent,
    '/sys/class/drm/card0/device/uevent': 'DRIVER=rockchip-drm\n',
    '/proc/4242/comm': 'other\n',
  };
  const BY_PATH = '/dev/dri/by-path/platform-fdab0000.npu-card';

  test.each([
    ['the node', CARD, CARD, 'warning'],
    ['its render node', CARD, '/dev/dri/renderD129', 'warning'],
    ['the node that a link given leads to', BY_PATH, CARD, 'warning'],
    ['the display', CARD, '/dev/dri/card0', 'ok'],
  ])('that have %s open', async (_, path, opened, status) => {
    const name = `root${roots}`;
    const link = (from: string, to: string): void => {
      const file = folder.file(name + from);
      mkdirSync(dirname(file), { recursive: true });
      symlinkSync(to, file);
    };
    link('/proc/4242/fd/7', opened);
    link(BY_PATH, '../card1');
    const { report } = await examine({ [path]: 'rknpu' }, files, path === BY_PATH ? { path } : {});
    expect(resultOf(report, 'users').status).toBe(status);
    if (status === 'warning') expect(resultOf(report, 'users').detail).toContain('other (4242)');
  });
});

describe('the clock', () => {
  const devfreq = (files: Record<string, string>): Record<string, string> => ({
    ...BOARD,
    ...Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`/sys/class/devfreq/fdab0000.npu/${name}`, `${text}\n`]),
    ),
  });
  const steps = { available_frequencies: '200000000 1000000000', max_freq: '1000000000' };

  test.each<[string, Record<string, string>, string, string, RegExp | undefined]>([
    [
      'at full speed',
      { ...steps, cur_freq: '1000000000', governor: 'performance' },
      'ok',
      '1000 MHz of 1000 MHz, governor performance',
      undefined,
    ],
    [
      'low',
      { ...steps, cur_freq: '200000000', governor: 'powersave' },
      'warning',
      '200 MHz of 1000 MHz, governor powersave',
      /^echo performance \| sudo tee .*\/governor$/,
    ],
    [
      'capped',
      { ...steps, max_freq: '600000000', cur_freq: '600000000', governor: 'performance' },
      'warning',
      '600 MHz of 1000 MHz, governor performance',
      /^max_freq is 600 MHz/,
    ],
  ])('%s', async (_, files, status, detail, next) => {
    const { report } = await examine({ [CARD]: 'rknpu' }, devfreq(files));
    const result = resultOf(report, 'clock');
    expect([result.status, result.detail]).toEqual([status, detail]);
    if (next !== undefined) expect(result.next).toMatch(next);
  });

  test('that nobody tells is no finding', async () => {
    const { report } = await examine({ [CARD]: 'rknpu' }, BOARD);
    expect(resultOf(report, 'clock').status).toBe('skipped');
  });
});

test('a driver that computes nothing is found out on every core, and closed', async () => {
  const { report, board } = await examine({ [CARD]: 'rknpu' }, BOARD);
  expect([0, 1, 2].map(core => resultOf(report, `core-${core}`).status)).toEqual([
    'problem',
    'problem',
    'problem',
  ]);
  expect(board.named('RKNPU_MEM_DESTROY')).toHaveLength(board.named('RKNPU_MEM_CREATE').length);
  expect(new Set(board.named('RKNPU_SUBMIT').map(({ fields }) => fields!['core_mask']))).toEqual(
    new Set([1, 2, 4]),
  );
});

test('the page size is read from the auxiliary vector', () => {
  const pairs = new BigUint64Array([16n, 1n, 6n, 65536n, 0n, 0n]);
  expect(pageBytesOf(new Uint8Array(pairs.buffer))).toBe(65536);
  expect(pageBytesOf(new Uint8Array(15))).toBeUndefined();
});

test.each([
  [
    [0, 1, 2],
    [0, 1, 2],
  ],
  [
    [0, 1],
    [0, 1],
  ],
  [[1, 2], [1]],
  [[0, 2], [0]],
  [[2], [2]],
])('of the working cores %p a job takes %p: no driver starts one on any other', (healthy, wanted) => {
  expect(jointCores(healthy)).toEqual(wanted);
});
