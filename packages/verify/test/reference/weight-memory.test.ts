import { expect, test } from '@jest/globals';
import { KernelMemory } from '../../src/reference/kernel-memory.js';
import { allocateWeights } from '../../src/reference/weight-memory.js';

const LENGTHS = [16, 3, 33, 100, 40, 1, 64];

test('arrays have their lengths, do not overlap, and begin at cache lines', () => {
  const arrays = allocateWeights(LENGTHS);
  expect(arrays.map(({ length }) => length)).toEqual(LENGTHS);
  arrays.forEach((array, i) => {
    array.fill(i);
  });
  expect(arrays.map(array => new Set(array))).toEqual(LENGTHS.map((_, i) => new Set([i])));
  expect(arrays.map(({ byteOffset }) => byteOffset % 64)).toEqual(LENGTHS.map(() => 0));
});

test('one memory is enough where it holds all', () => {
  expect(new Set(allocateWeights(LENGTHS).map(({ buffer }) => buffer)).size).toBe(1);
});

test('what one memory does not hold goes into the next; what none holds, into an array of its own', () => {
  const arrays = allocateWeights(LENGTHS, 64);
  const memories = arrays.map(array => KernelMemory.of(array));
  const order = [...new Set(memories)];
  // 16 + 16 | 48 | 100 is too large | 48 (40) + 16 (1) | 64
  expect(memories.map(memory => order.indexOf(memory))).toEqual([0, 0, 1, 2, 3, 3, 4]);
  expect(memories[3]).toBeUndefined();
  expect(arrays[3]).toHaveLength(100);
});

test('an array of JavaScript is in no memory of the kernels', () => {
  expect(KernelMemory.of(new Float32Array(4))).toBeUndefined();
});
