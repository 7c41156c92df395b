export { checkChip } from './chip.js';
export { LocalDevice } from './local-device.js';
export type { DeviceKind, NpuDevice } from './npu-device.js';
export {
  checkDeviceOptions,
  DEVICE_KINDS,
  type OpenDeviceOptions,
  openDevice,
  openLocalDevice,
} from './open-device.js';
export type { DecodeRows } from './probe-rows.js';
