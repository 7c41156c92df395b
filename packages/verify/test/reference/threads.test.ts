import { expect, test } from '@jest/globals';
import { KERNELS, type KernelJob } from '../../src/reference/kernel-job.js';
import { KernelMemory } from '../../src/reference/kernel-memory.js';
import { Pace } from '../../src/reference/pace.js';
import { multiply } from '../../src/reference/product.js';
import { Threads } from '../../src/reference/threads.js';
import { packed } from '../support/matrices.js';
import { pseudoRandom } from '../support/pseudo-random.js';

/** Large enough for workers to be woken. */
function largeProduct() {
  const [rows, columns, batch] = [4000, 600, 3];
  return {
    weights: packed(pseudoRandom(rows * columns, 1), columns),
    input: pseudoRandom(batch * columns, 2),
    batch,
    output: new Float32Array(batch * rows),
    arithmetic: 'fp32' as const,
  };
}

test.each([0, 65, 1.5, Number.NaN])('refuses %p threads', count => {
  expect(() => new Threads(count)).toThrow(/^impossible number of threads: got .*, wanted 1 to 64$/);
});

test('a product that is given up leaves the threads usable', async () => {
  await using threads = new Threads(3);
  const product = largeProduct();
  await multiply(product, threads, new Pace());
  const wanted = product.output.slice();
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await expect(multiply(product, threads, new Pace(stop.signal))).rejects.toThrow('enough');
  await multiply(product, threads, new Pace());
  expect(product.output).toEqual(wanted);
});

test('what a worker throws is the error of the product', async () => {
  await using threads = new Threads(2);
  const memory = new KernelMemory(0);
  let calls = 0;
  // The main thread computes nothing, so that it is a worker who reads behind the end of the memory.
  const idle = { ...memory.kernels, multiply: () => void calls++ };
  const besides = Object.defineProperty(Object.create(memory), 'kernels', { value: idle }) as KernelMemory;
  const job: KernelJob = {
    kernel: KERNELS.fp32,
    weights: memory.memory.buffer.byteLength,
    groups: 1 << 16,
    columns: 64,
    batch: 1,
    unitGroups: 1,
  };
  const run = async (): Promise<void> => {
    for (;;) await threads.compute(besides, job, new Pace());
  };
  await expect(run()).rejects.toMatchObject({
    message: 'a thread of the CPU reference failed',
    cause: { message: expect.stringContaining('memory access out of bounds') },
  });
  await expect(threads.compute(besides, job, new Pace())).rejects.toThrow(
    'a thread of the CPU reference failed',
  );
});

test('refuses a product once it is closed', async () => {
  const threads = new Threads(2);
  const product = largeProduct();
  await multiply(product, threads, new Pace());
  await threads.close();
  await expect(multiply(product, threads, new Pace())).rejects.toThrow('are closed');
});
