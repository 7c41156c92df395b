import { readFileSync } from 'node:fs';
import { DeviceError } from '../errors.js';

const COMPATIBLE_PATH = '/proc/device-tree/compatible';
/** `rockchip,rk3588` and `rockchip,rk3588s`: the same NPU. */
const RK3588 = /^rockchip,rk3588s?$/;

/**
 * Refuses boards with another chip: on an RK3568, say, the same programs only time out. Passes where there is no
 * device tree (a PC).
 * @throws DeviceError naming the chip that was found
 */
export function checkChip(path = COMPATIBLE_PATH): void {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return; // no device tree, nothing to tell by
  }
  const entries = text.split('\0').filter(entry => entry !== '');
  if (entries.length === 0 || entries.some(entry => RK3588.test(entry))) return;
  throw new DeviceError(`this board is not an RK3588 (${path})`, {
    got: entries.join(', '),
    wanted: 'rockchip,rk3588 or rockchip,rk3588s',
    next: 'use an RK3588 board, or the simulated device (--device sim)',
  });
}
