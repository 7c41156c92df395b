import type { NpuDevice, OpenDeviceOptions } from '../device/index.js';
import type { NumericError } from '../errors.js';
import { type FfiName, loadFfi } from '../ffi/index.js';
import { DeviceThread } from './device-thread.js';
import { decodeError } from './error-codec.js';
import type { DeviceEvent } from './protocol.js';
import { WorkerDevice } from './worker-device.js';

/**
 * openDevice, in a worker thread of its own. The whole device is there rather than a model of it: its file, its mappings and
 * the FFI belong to the thread that makes its blocking calls, and models of one device take turns anyway.
 * @param options as they were checked
 * @param thread for tests: by default a new one
 * @throws as openDevice, and DeviceError when the thread ends
 */
export async function openInWorker(options: OpenDeviceOptions, thread?: DeviceThread): Promise<NpuDevice> {
  // Loaded here as well: node unloads an addon with the last thread that has it, and ffi-napi's last act comes after that. The
  // name is what this thread's environment says now: a worker's is a copy from when it was created.
  const ffi = loadFfi(options.ffi).name;
  return open(options, ffi, thread ?? new DeviceThread());
}

async function open(options: OpenDeviceOptions, ffi: FfiName, thread: DeviceThread): Promise<NpuDevice> {
  const { worker: _, kernel: __, signal, onFallback, onWrongProduct, ...sent } = options;
  const onEvent = (event: DeviceEvent): void => {
    if (event.event === 'fallback') onFallback?.(event.reason);
    if (event.event === 'wrong product') onWrongProduct?.(decodeError(event.error) as NumericError);
  };
  try {
    const argument = { options: { ...sent, ffi }, tellsWrongProduct: onWrongProduct !== undefined };
    const opened = await thread.call('open', argument, { signal, onEvent });
    // It may have been open before the worker saw that nobody wants it any more.
    signal?.throwIfAborted();
    return new WorkerDevice(opened, thread);
  } catch (error) {
    // It may be open, where a listener threw or the signal came late.
    await thread.call('close', {}).catch(() => {});
    await thread.end().catch(() => {});
    throw error;
  }
}
