import { describe, expect, test } from '@jest/globals';
import { findNode, openNode } from '../../src/device/find-node.js';
import { DeviceError } from '../../src/errors.js';
import { thrownBy } from '../support/errors.js';
import { type Errno, FakeKernel } from '../support/fake-kernel.js';

/** A machine with these nodes: each a driver's name, or the errno that opening it (`open`) or asking it (`ask`) gives. */
type Nodes = Readonly<Record<string, string | { readonly open: Errno } | { readonly ask: Errno }>>;

class Machine extends FakeKernel {
  readonly #paths = new Map<number, string>();
  readonly #nodes: Nodes;

  constructor(nodes: Nodes) {
    super({
      DRM_IOCTL_VERSION: argument => {
        const name = this.#nodes[this.#paths.get(this.calls.at(-1)!.fd!)!] as string;
        this.memory.get(Number(argument.get('name')))!.set(Buffer.from(name).subarray(0, 64));
        argument.set({
          version_major: 0,
          version_minor: 9,
          version_patchlevel: 8,
          name_len: BigInt(name.length),
        });
      },
    });
    this.#nodes = nodes;
  }

  override open(path: string): number {
    const node = this.#nodes[path];
    if (node === undefined) this.fail(path, 'ENOENT');
    else if (typeof node === 'object' && 'open' in node) this.fail(path, node.open);
    const fd = super.open(path);
    this.#paths.set(fd, path);
    if (typeof node === 'object' && 'ask' in node) this.fail('DRM_IOCTL_VERSION', node.ask);
    else this.succeed('DRM_IOCTL_VERSION');
    return fd;
  }

  /** Files that were opened and not closed. */
  get openFiles(): string[] {
    const closed = new Set(this.named('close').map(({ fd }) => fd));
    return [...this.#paths].filter(([fd]) => !closed.has(fd)).map(([, path]) => path);
  }
}

/** findNode, where sysfs says this of nodes. */
const find = (machine: Machine, sysfs: Readonly<Record<string, string>> = {}) =>
  findNode(machine, path => sysfs[path]);

describe('findNode', () => {
  test("looks on where another driver's node does not close well", () => {
    const machine = new Machine({ '/dev/dri/card0': 'panfrost', '/dev/dri/card1': 'rknpu' });
    machine.fail('close', 'EIO');
    expect(find(machine)).toMatchObject({ path: '/dev/dri/card1' });
  });

  test.each<[string, Nodes, string]>([
    ['the first card', { '/dev/dri/card0': 'rknpu' }, '/dev/dri/card0'],
    [
      'the card behind the display',
      { '/dev/dri/card0': 'rockchip', '/dev/dri/card1': 'rknpu' },
      '/dev/dri/card1',
    ],
    [
      'a render node only',
      { '/dev/dri/card0': 'rockchip', '/dev/dri/renderD129': 'rknpu' },
      '/dev/dri/renderD129',
    ],
    ['the last card', { '/dev/dri/card15': 'rknpu' }, '/dev/dri/card15'],
    [
      'the render node where the card is forbidden',
      { '/dev/dri/card1': { open: 'EACCES' }, '/dev/dri/renderD129': 'rknpu' },
      '/dev/dri/renderD129',
    ],
    [
      'one behind a node that is no DRM device',
      { '/dev/dri/card0': { ask: 'ENOTTY' }, '/dev/dri/card1': 'rknpu' },
      '/dev/dri/card1',
    ],
    [
      'one behind a driver with a long name that begins alike',
      { '/dev/dri/card0': `rknpu${'x'.repeat(200)}`, '/dev/dri/card1': 'rknpu' },
      '/dev/dri/card1',
    ],
  ])('finds %s by driver name, and keeps no other open', (_, nodes, path) => {
    const machine = new Machine(nodes);
    expect(find(machine)).toMatchObject({ path, version: '0.9.8' });
    expect(machine.openFiles).toEqual([path]);
  });

  test.each<[string, Nodes]>([
    ['no node', {}],
    ['other drivers only', { '/dev/dri/card0': 'i915', '/dev/dri/renderD128': 'i915' }],
    ['no DRM device', { '/dev/dri/card0': { ask: 'ENOTTY' } }],
  ])('finds nothing on a machine with %s', (_, nodes) => {
    const machine = new Machine(nodes);
    expect(find(machine)).toBeUndefined();
    expect(machine.openFiles).toEqual([]);
  });

  test('opens no node that sysfs gives to another driver, and those that it says nothing of', () => {
    const sysfs = {
      '/dev/dri/card0': 'rockchip-drm',
      '/dev/dri/card2': 'panthor',
      '/dev/dri/renderD128': 'rockchip-drm',
      '/dev/accel/accel0': 'intel_vpu',
    };
    const nodes = { '/dev/dri/card0': 'rockchip', '/dev/dri/card1': 'i915', '/dev/accel/accel0': 'ivpu' };
    const machine = new Machine(nodes);
    expect(find(machine, sysfs)).toBeUndefined();
    const opened = machine.named('open').map(({ path }) => path);
    expect(opened).toEqual(expect.arrayContaining(['/dev/dri/card1', '/dev/accel/accel1']));
    expect(opened.filter(path => path! in sysfs)).toEqual([]);
  });

  test('a display that may not be opened is none of ours, and the NPU behind it is found', () => {
    const display = { '/dev/dri/card0': { open: 'EACCES' } } as const;
    expect(find(new Machine(display), { '/dev/dri/card0': 'rockchip-drm' })).toBeUndefined();
    const machine = new Machine({ ...display, '/dev/dri/card1': 'rknpu' });
    const sysfs = { '/dev/dri/card0': 'rockchip-drm', '/dev/dri/card1': 'rknpu' };
    expect(find(machine, sysfs)).toMatchObject({ path: '/dev/dri/card1' });
  });

  test('an NPU by sysfs whose device has gone is told as that, not passed over', () => {
    const machine = new Machine({ '/dev/dri/card1': { open: 'ENODEV' } });
    const error = thrownBy(() => find(machine, { '/dev/dri/card1': 'rknpu' }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(
      /^cannot use \/dev\/dri\/card1 as an NPU: .*\(ENODEV\): .*; the device is gone: reboot the board$/,
    );
    expect(find(machine)).toBeUndefined();
  });

  test.each<[string, Errno]>([
    ['no permission', 'EACCES'],
    ['an operation that is not permitted', 'EPERM'],
  ])('%s (%s) is an error that names node and groups', (_, errno) => {
    const error = thrownBy(() => find(new Machine({ '/dev/dri/card1': { open: errno } })));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain('no permission to open /dev/dri/card1');
    expect(error.message).toContain('add this user to the groups video and render');
  });

  test.each<[Errno]>([['EMFILE'], ['ENFILE']])(
    '%s is told as it is, not taken for a machine without an NPU',
    errno => {
      const error = thrownBy(() => find(new Machine({ '/dev/dri/card0': { open: errno } })));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toContain(`(${errno})`);
    },
  );

  test("the mainline kernel's driver is named as such", () => {
    const machine = new Machine({ '/dev/dri/card0': 'panthor', '/dev/accel/accel0': 'rocket' });
    const error = thrownBy(() => find(machine));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(
      /\/dev\/accel\/accel0 is the mainline kernel's NPU driver.*got driver rocket 0\.9\.8.*boot a vendor kernel/,
    );
    expect(machine.openFiles).toEqual([]);
  });
});

describe('openNode', () => {
  test('opens the node of the vendor driver', () => {
    const machine = new Machine({ '/dev/npu': 'rknpu' });
    expect(openNode(machine, '/dev/npu')).toMatchObject({ path: '/dev/npu', version: '0.9.8' });
  });

  test.each<[string, Nodes, RegExp]>([
    [
      'that is not there',
      {},
      /^cannot use \/dev\/npu as an NPU: open \/dev\/npu: no such file or directory \(ENOENT\): wanted driver rknpu; /,
    ],
    [
      'of another driver',
      { '/dev/npu': 'i915' },
      /^cannot use \/dev\/npu as an NPU: driver i915 0\.9\.8: wanted driver rknpu; /,
    ],
    ['that is no DRM device', { '/dev/npu': { ask: 'ENOTTY' } }, /not a DRM device \(ENOTTY\)/],
    [
      'whose device has gone',
      { '/dev/npu': { open: 'ENODEV' } },
      /^cannot use \/dev\/npu as an NPU: open \/dev\/npu: .*\(ENODEV\): .*; the device is gone: reboot the board$/,
    ],
    [
      'whose device goes once it is open',
      { '/dev/npu': { ask: 'ENODEV' } },
      /: DRM_IOCTL_VERSION: .*\(ENODEV\): .*; the device is gone: reboot the board$/,
    ],
    [
      'that is forbidden',
      { '/dev/npu': { open: 'EACCES' } },
      /^no permission to open \/dev\/npu; add this user to the groups video and render/,
    ],
  ])('refuses a node %s, and keeps nothing open', (_, nodes, message) => {
    const machine = new Machine(nodes);
    const error = thrownBy(() => openNode(machine, '/dev/npu'));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(message);
    expect(machine.openFiles).toEqual([]);
  });

  test('a forbidden node that exists is shown with its owner, group and mode', () => {
    const error = thrownBy(() => openNode(new Machine({ '/dev/null': { open: 'EACCES' } }), '/dev/null'));
    expect(error.message).toMatch(/no permission to open \/dev\/null \(owner 0, group \d+, mode [0-7]+\)/);
  });
});
