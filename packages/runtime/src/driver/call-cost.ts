import { type FfiName, loadFfi } from '../ffi/index.js';
import { LIBC_NAMES, NativeKernel } from './native-kernel.js';
import { ACTION } from './vendor/uapi.js';

/** A file descriptor for abs() to give back; nothing is done with it. */
const ANY_FD = 3;

/**
 * What calling the kernel costs before the kernel does anything: ioctls through the boundary and an FFI adapter whose C function
 * is libc's abs(), which leaves the second and third argument alone.
 * @param ffi koffi or ffi-napi
 * @param calls how many to make; the first ones of a process are slower, so make some before
 * @returns microseconds a call, of the adapter and NativeKernel together
 * @throws UsageError for another adapter, DeviceError when it is not installed
 */
export function callMicroseconds(ffi: FfiName, calls: number): number {
  const kernel = new NativeKernel(loadFfi(ffi), null, { ...LIBC_NAMES, ioctl: 'abs' });
  const argument = kernel.argument(ACTION);
  const start = performance.now();
  for (let i = 0; i < calls; i++) kernel.ioctl(ANY_FD, argument);
  return ((performance.now() - start) * 1000) / calls;
}
