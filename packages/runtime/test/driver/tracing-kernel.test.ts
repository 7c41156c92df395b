import { expect, test } from '@jest/globals';
import { TracingKernel } from '../../src/driver/tracing-kernel.js';
import { MEM_CREATE } from '../../src/driver/vendor/uapi.js';
import { FakeKernel, vendorAnswers } from '../support/fake-kernel.js';

test('every call is a line: what went in, what came out or which errno, how long', () => {
  const lines: string[] = [];
  const fake = new FakeKernel(vendorAnswers()).fail('munmap', 'EINVAL');
  const kernel = new TracingKernel(fake, line => lines.push(line.replace(/\(\d+ us\)$/, '(N us)')));
  const fd = kernel.open('/dev/dri/card1');
  kernel.ioctl(fd, kernel.argument(MEM_CREATE).set({ flags: 2, size: 4096n }));
  const mapping = kernel.mmap(fd, 4096, 0x100000000n);
  expect(() => kernel.munmap(mapping)).toThrow('EINVAL');
  kernel.close(fd);
  expect(lines).toEqual([
    'npu: open /dev/dri/card1 -> fd 30 (N us)',
    'npu: RKNPU_MEM_CREATE flags=2 size=0x1000 -> handle=1 flags=2 size=0x1000 obj_addr=0xffffff8000000001 dma_addr=0x10000 (N us)',
    'npu: mmap 4096 bytes at offset 0x100000000 -> ok (N us)',
    'npu: munmap 4096 bytes -> EINVAL (N us)',
    'npu: close fd 30 -> ok (N us)',
  ]);
});
