import { expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { KernelError } from '../../src/driver/kernel.js';
import { LIBC_NAMES, NativeKernel } from '../../src/driver/native-kernel.js';
import { ACTION } from '../../src/driver/vendor/uapi.js';
import { loadFfi } from '../../src/ffi/index.js';
import { thrownBy } from '../support/errors.js';

const libc = (): NativeKernel => new NativeKernel(loadFfi(), null, LIBC_NAMES);

describeDevice("the FFI adapter, on libc's own functions", () => {
  test('is the one that NPU_FFI names', () => {
    expect(loadFfi().name).toBe(process.env['NPU_FFI']);
  });

  test('opens and closes', () => {
    const kernel = libc();
    const fd = kernel.open('/dev/null');
    expect(fd).toBeGreaterThan(2);
    kernel.close(fd);
    expect(thrownBy(() => kernel.close(fd))).toMatchObject({ errno: 'EBADF', call: 'close' });
  });

  test.each([
    ['/no/such/node', 'ENOENT'],
    ['/dev/null/x', 'ENOTDIR'],
    ['/', 'EISDIR'],
  ])('open of %s gives %s', (path, errno) => {
    const error = thrownBy(() => libc().open(path));
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({ errno, call: `open ${path}` });
  });

  test('an ioctl that the node does not know gives ENOTTY, on a bad fd EBADF', () => {
    const kernel = libc();
    const fd = kernel.open('/dev/null');
    const argument = kernel.argument(ACTION);
    expect(thrownBy(() => kernel.ioctl(fd, argument))).toMatchObject({
      errno: 'ENOTTY',
      call: 'RKNPU_ACTION',
    });
    kernel.close(fd);
    expect(thrownBy(() => kernel.ioctl(fd, argument))).toMatchObject({ errno: 'EBADF' });
  });

  test('maps memory that is shared with the kernel, at an offset, and unmaps it', () => {
    const kernel = libc();
    const fd = kernel.open('/dev/zero');
    const mapping = kernel.mmap(fd, 8192, 0n);
    expect(mapping.bytes).toHaveLength(8192);
    mapping.bytes.fill(0xab);
    expect(mapping.bytes[8191]).toBe(0xab);
    kernel.munmap(mapping);
    kernel.close(fd);
  });

  test('a mapping that is refused gives the errno, not an address', () => {
    const kernel = libc();
    const fd = kernel.open('/dev/zero');
    expect(thrownBy(() => kernel.mmap(fd, 0, 0n))).toMatchObject({
      errno: 'EINVAL',
      call: 'mmap of 0 bytes',
    });
    kernel.close(fd);
    expect(thrownBy(() => kernel.mmap(fd, 4096, 0n))).toMatchObject({ errno: 'EBADF' });
  });

  test('pinned bytes stand where their address says, also after a garbage collection worth of others', () => {
    const ffi = loadFfi();
    const kernel = libc();
    const { bytes, address } = kernel.pinned(64);
    for (let i = 0; i < 1000; i++) kernel.pinned(4096);
    bytes.set([1, 2, 3, 4]);
    expect(ffi.addressOf(bytes)).toBe(address);
    expect([...ffi.view(address, 4)]).toEqual([1, 2, 3, 4]);
  });

  test('refuses a library that is not there', () => {
    expect(() => new NativeKernel(loadFfi(), '/no/such/library.so', LIBC_NAMES)).toThrow();
  });
});
