import { describe, expect, test } from '@jest/globals';
import { ModelLimitError } from '../../src/errors.js';
import { KernelMemory } from '../../src/kernels/index.js';
import { thrownBy } from '../support/errors.js';
import { kernelArrays } from '../support/kernel-arrays.js';

describe('arrays', () => {
  test('of another memory are refused', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(4) });
    expect(() => kernels.addInPlace(arrays.x, new Float32Array(4), 4)).toThrow(RangeError);
    expect(() => kernels.addInPlace(kernelArrays({ x: arrays.x }).arrays.x, arrays.x, 4)).toThrow(RangeError);
  });

  test('are not read or written beyond their ends', () => {
    const { kernels, arrays } = kernelArrays({ x: new Float32Array(4), y: new Float32Array(8) });
    expect(() => kernels.addInPlace(arrays.x, arrays.y, 5)).toThrow(RangeError);
    expect(() => kernels.rmsNorm(arrays.x, arrays.y, 5, arrays.y, 0, 1, 4)).toThrow(RangeError);
    expect(() => kernels.rmsNorm(arrays.x, arrays.y, -1, arrays.y, 0, 1, 4)).toThrow(RangeError);
  });

  test('stand at cache lines, hold zeros, and do not overlap', () => {
    const { arrays } = new KernelMemory({ a: 3, b: 17, c: 1 }, 'a test');
    const { a, b, c } = arrays;
    expect([a, b, c].map(({ byteOffset }) => byteOffset)).toEqual([64, 128, 256]);
    expect([...a, ...b, ...c].every(value => value === 0)).toBe(true);
  });

  test('beyond what WebAssembly addresses are a limit that says so', () => {
    const error = thrownBy(() => new KernelMemory({ keys: 2 ** 29, values: 2 ** 29 }, 'a session'));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error.message).toMatch(
      /^a session does not fit a WebAssembly memory: got 4096\.0 MiB \(4294967360 bytes\) .*wanted at most 4096\.0 MiB \(4294967296 bytes\)/,
    );
  });
});
