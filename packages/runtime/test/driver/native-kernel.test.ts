import { constants } from 'node:os';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { KernelError } from '../../src/driver/kernel.js';
import { LIBC_NAMES, NativeKernel } from '../../src/driver/native-kernel.js';
import { ACTION } from '../../src/driver/vendor/uapi.js';
import { type EntryPoints, type FfiAdapter, MAP_FAILED } from '../../src/ffi/index.js';
import { thrownBy } from '../support/errors.js';

const { errno } = constants;
type Name = keyof Omit<EntryPoints, 'errno'>;

/** C functions that answer from a list, an errno being a failure; then they succeed. */
class FakeFfi implements FfiAdapter {
  readonly name = 'koffi';
  readonly calls: [name: string, ...args: (number | string)[]][] = [];
  readonly bound: [library: string | null, names: unknown][] = [];
  failures: Partial<Record<Name, (keyof typeof errno)[]>> = {};
  #errno = 0;

  bind(library: string | null, names: unknown): EntryPoints {
    this.bound.push([library, names]);
    const answer =
      (name: Name, success: number) =>
      (...args: (number | string)[]): number => {
        this.calls.push([name, ...args]);
        const failure = this.failures[name]?.shift();
        this.#errno = failure === undefined ? 0 : errno[failure];
        return failure === undefined ? success : MAP_FAILED;
      };
    return {
      open: answer('open', 5),
      close: answer('close', 0),
      ioctl: answer('ioctl', 0),
      mmap: answer('mmap', 0x7f00_0000_1000),
      munmap: answer('munmap', 0),
      errno: () => this.#errno,
    };
  }

  addressOf(bytes: Uint8Array): number {
    expect(bytes.buffer.byteLength).toBe(bytes.length); // of its own: V8 must not move it
    return 0x5555_0000_0000;
  }

  view(address: number, length: number): Uint8Array {
    this.calls.push(['view', address, length]);
    return new Uint8Array(length);
  }
}

let ffi: FakeFfi;
let kernel: NativeKernel;
beforeEach(() => {
  ffi = new FakeFfi();
  kernel = new NativeKernel(ffi, null, LIBC_NAMES);
});

test('binds libc as the process has it, by its own names', () => {
  expect(ffi.bound).toEqual([
    [null, { open: 'open', close: 'close', ioctl: 'ioctl', mmap: 'mmap', munmap: 'munmap' }],
  ]);
});

test('opens for reading and writing, closed on exec', () => {
  expect(kernel.open('/dev/dri/card1')).toBe(5);
  expect(ffi.calls).toEqual([['open', '/dev/dri/card1', 0o2000002]]);
});

describe('ioctl', () => {
  test.each<[string, (keyof typeof errno)[]]>([
    ['EINTR', ['EINTR']],
    ['EAGAIN', ['EAGAIN']],
    ['both, again and again', ['EINTR', 'EAGAIN', 'EINTR', 'EINTR', 'EAGAIN']],
  ])('is made again after %s, with the same argument', (_, failures) => {
    ffi.failures = { ioctl: [...failures] };
    const argument = kernel.argument(ACTION).set({ flags: 6 });
    kernel.ioctl(5, argument);
    expect(ffi.calls).toEqual(
      Array.from({ length: failures.length + 1 }, () => ['ioctl', 5, 0xc0086440, 0x5555_0000_0000]),
    );
  });

  test.each<[keyof typeof errno, string]>([
    ['ENOMEM', 'RKNPU_ACTION: not enough memory (ENOMEM)'],
    ['EFAULT', 'RKNPU_ACTION: bad address in system call argument (EFAULT)'],
    ['EINVAL', 'RKNPU_ACTION: invalid argument (EINVAL)'],
    ['ENODEV', 'RKNPU_ACTION: no such device (ENODEV)'],
    ['ETIMEDOUT', 'RKNPU_ACTION: connection timed out (ETIMEDOUT)'],
    ['EACCES', 'RKNPU_ACTION: permission denied (EACCES)'],
  ])('that fails with %s says so, after one try', (name, message) => {
    ffi.failures = { ioctl: [name] };
    const error = thrownBy(() => kernel.ioctl(5, kernel.argument(ACTION)));
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({ errno: name, message, call: 'RKNPU_ACTION' });
    expect(ffi.calls).toHaveLength(1);
  });
});

test.each<[Name, () => unknown, RegExp]>([
  ['open', () => kernel.open('/dev/dri/card1'), /^open \/dev\/dri\/card1: .*\(EPERM\)$/],
  ['close', () => kernel.close(5), /^close: .*\(EPERM\)$/],
  ['mmap', () => kernel.mmap(5, 8192, 0n), /^mmap of 8192 bytes: .*\(EPERM\)$/],
  ['munmap', () => kernel.munmap({ address: 0x1000, bytes: new Uint8Array(8) }), /^munmap: .*\(EPERM\)$/],
])('%s that fails throws KernelError with call and errno', (name, call, message) => {
  ffi.failures = { [name]: ['EPERM'] };
  const error = thrownBy(call);
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ errno: 'EPERM', message: expect.stringMatching(message) });
});

test('mmap maps shared, read-write, and views the memory', () => {
  const mapping = kernel.mmap(5, 8192, 0x1_0000_0000n);
  expect(mapping).toMatchObject({ address: 0x7f00_0000_1000 });
  expect(mapping.bytes).toHaveLength(8192);
  expect(ffi.calls).toEqual([
    ['mmap', 8192, 3, 1, 5, 0x1_0000_0000],
    ['view', 0x7f00_0000_1000, 8192],
  ]);
});

test('a mmap that failed is never viewed', () => {
  ffi.failures = { mmap: ['ENOMEM'] };
  expect(() => kernel.mmap(5, 8192, 0n)).toThrow(/ENOMEM/);
  expect(ffi.calls.map(([name]) => name)).toEqual(['mmap']);
});

test('an errno without a name keeps its number', () => {
  expect(new KernelError('ioctl', 12345)).toMatchObject({ errno: 'errno 12345' });
});
