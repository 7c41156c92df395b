import { afterAll, describe, expect, test } from '@jest/globals';
import { checkChip } from '../../src/device/index.js';
import { DeviceError } from '../../src/errors.js';
import { thrownBy } from '../support/errors.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());

describe('checkChip', () => {
  test.each([
    ['RK3588', 'xunlong,orangepi-5-plus\0rockchip,rk3588\0'],
    ['RK3588S', 'radxa,rock-5c\0rockchip,rk3588s\0'],
    ['a board that says nothing', ''],
    ['a board that says nothing but an end', '\0'],
  ])('passes %s', (_, text) => {
    checkChip(folder.write('compatible', text));
  });

  test('passes a PC, which has no device tree', () => {
    checkChip(folder.file('missing'));
  });

  test.each([
    ['RK3568', 'radxa,rock-3a\0rockchip,rk3568\0', 'radxa,rock-3a, rockchip,rk3568'],
    ['RK3576', 'rockchip,rk3576\0', 'rockchip,rk3576'],
    ['a chip whose name only begins so', 'rockchip,rk35889\0', 'rockchip,rk35889'],
    ['a maker whose name only ends so', 'notrockchip,rk3588\0', 'notrockchip,rk3588'],
  ])('refuses %s by name', (_, text, got) => {
    const path = folder.write('compatible', text);
    const error = thrownBy(() => checkChip(path));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toBe(
      `this board is not an RK3588 (${path}): got ${got}, wanted rockchip,rk3588 or rockchip,rk3588s; ` +
        'use an RK3588 board, or the simulated device (--device sim)',
    );
  });
});
