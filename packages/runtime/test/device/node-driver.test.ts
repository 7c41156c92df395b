import { afterEach, describe, expect, test } from '@jest/globals';
import { nodeDriver, toldDriver } from '../../src/device/node-driver.js';

const DRM = '/sys/class/drm/card1/device/uevent';
const sysfs = (files: Readonly<Record<string, string>>) => (path: string) => files[path];

describe('the driver of a node', () => {
  const preload = process.env['LD_PRELOAD'];
  afterEach(() => {
    if (preload === undefined) delete process.env['LD_PRELOAD'];
    else process.env['LD_PRELOAD'] = preload;
  });

  test.each([
    ['of a card', '/dev/dri/card1', { [DRM]: 'DRIVER=RKNPU\nOF_NAME=npu\n' }, 'rknpu'],
    [
      'of a render node',
      '/dev/dri/renderD128',
      { '/sys/class/drm/renderD128/device/uevent': 'OF_NAME=gpu\nDRIVER=panthor\n' },
      'panthor',
    ],
    [
      'of an accel node',
      '/dev/accel/accel0',
      { '/sys/class/accel/accel0/device/uevent': 'DRIVER=rocket\n' },
      'rocket',
    ],
    ['without a driver is not told', '/dev/dri/card1', { [DRM]: 'OF_NAME=npu\n' }, undefined],
    ['that sysfs has not is not told', '/dev/dri/card1', {}, undefined],
  ])('%s', (_, node, files, driver) => {
    expect(nodeDriver(node, sysfs(files as Record<string, string>))).toBe(driver);
  });

  test('is not taken from sysfs under npu-sim: a display may have the same name', () => {
    const read = sysfs({ [DRM]: 'DRIVER=i915\n' });
    delete process.env['LD_PRELOAD'];
    expect(toldDriver('/dev/dri/card1', read)).toBe('i915');
    process.env['LD_PRELOAD'] = '/usr/lib/other.so:/opt/libnpu_sim.so';
    expect(toldDriver('/dev/dri/card1', read)).toBeUndefined();
  });
});
