import { constants } from 'node:os';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { KernelError } from '../../src/driver/kernel.js';
import { LIBC_NAMES, NativeKernel } from '../../src/driver/native-kernel.js';
import { ACTION, SUBMIT } from '../../src/driver/vendor/uapi.js';
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
  /** Called by a call that fails. */
  onFailure = (): void => {};
  #errno = 0;

  bind(library: string | null, names: unknown): EntryPoints {
    this.bound.push([library, names]);
    const answer =
      (name: Name, success: number) =>
      (...args: (number | string)[]): number => {
        this.calls.push([name, ...args]);
        const failure = this.failures[name]?.shift();
        this.#errno = failure === undefined ? 0 : errno[failure];
        if (failure !== undefined) this.onFailure();
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
let pauses: number[];
let now: number;
beforeEach(() => {
  ffi = new FakeFfi();
  pauses = [];
  now = 0;
  kernel = new NativeKernel(ffi, null, LIBC_NAMES, {
    now: () => now,
    pause: milliseconds => pauses.push(milliseconds),
  });
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
    expect(pauses).toHaveLength(failures.filter(failure => failure === 'EAGAIN').length);
  });

  test('that is made again goes in as it did, whatever the kernel wrote into its struct meanwhile', () => {
    ffi.failures = { ioctl: ['EINTR', 'EAGAIN'] };
    const argument = kernel.argument(SUBMIT).set({ timeout: 6000, task_number: 3 });
    ffi.onFailure = () => {
      expect(argument.get('task_counter')).toBe(0);
      argument.set({ timeout: 0, task_counter: 2, core_mask: 7 });
    };
    kernel.ioctl(5, argument);
    expect(ffi.calls).toHaveLength(3);
    expect(String(argument)).toBe('timeout=6000 task_number=3');
  });

  test("that fails for good leaves what the kernel wrote: the driver's tasks done", () => {
    ffi.failures = { ioctl: ['EINTR', 'EIO'] };
    const argument = kernel.argument(SUBMIT);
    ffi.onFailure = () => argument.set({ task_counter: 2 });
    expect(() => kernel.ioctl(5, argument)).toThrow(/EIO/);
    expect(argument.get('task_counter')).toBe(2);
  });

  test.each(['EINTR', 'EAGAIN'] as const)('is given up after 10 s of nothing but %s', name => {
    ffi.failures = { ioctl: Array.from({ length: 50 }, () => name) };
    ffi.onFailure = () => (now += 1000);
    const error = thrownBy(() => kernel.ioctl(5, kernel.argument(ACTION)));
    expect(error).toMatchObject({ name: 'KernelError', errno: name });
    expect(error.message).toMatch(new RegExp(`^RKNPU_ACTION: .* \\(${name}, 11 times on end\\)$`));
    expect(ffi.calls).toHaveLength(11);
    // The next call has its 10 s again.
    ffi.failures = { ioctl: [name, name] };
    kernel.ioctl(5, kernel.argument(ACTION));
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

test.each<[Name, () => unknown]>([
  ['open', () => kernel.open('/dev/dri/card1')],
  ['mmap', () => kernel.mmap(5, 8192, 0n)],
])('%s is made again after EINTR, and not after EAGAIN: that is no interruption there', (name, call) => {
  const made = (): number => ffi.calls.filter(([called]) => called === name).length;
  ffi.failures = { [name]: ['EINTR', 'EINTR'] };
  call();
  expect(made()).toBe(3);
  ffi.failures = { [name]: ['EAGAIN'] };
  expect(call).toThrow(/\(EAGAIN\)$/);
  expect(made()).toBe(4);
  ffi.failures = { [name]: Array.from({ length: 50 }, () => 'EINTR') };
  ffi.onFailure = () => (now += 1000);
  expect(call).toThrow(/\(EINTR, 11 times on end\)$/);
});

test.each(['EINTR', 'EINPROGRESS'] as const)(
  'close that ends with %s has closed the file and is not made again: the number may be another file by then',
  name => {
    ffi.failures = { close: [name] };
    kernel.close(5);
    expect(ffi.calls).toEqual([['close', 5]]);
  },
);

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

test('an errno that libuv does not know has its name all the same', () => {
  expect(new KernelError('open', errno.EBADMSG)).toMatchObject({
    errno: 'EBADMSG',
    message: 'open: errno 74 (EBADMSG)',
  });
});

test('an errno without a name keeps its number', () => {
  expect(new KernelError('ioctl', 12345)).toMatchObject({ errno: 'errno 12345' });
});
