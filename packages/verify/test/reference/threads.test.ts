import { expect, jest, test } from '@jest/globals';
import { JobBoard } from '../../src/reference/job-board.js';
import { KERNELS, type KernelJob } from '../../src/reference/kernel-job.js';
import { KernelMemory, LAYOUT } from '../../src/reference/kernel-memory.js';
import { GROUP_ROWS } from '../../src/reference/kernels.js';
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

/** Two units, of which one takes a worker a tenth of a second; the other waits in this thread until that one has begun. */
function longJob() {
  const [groups, columns, batch] = [1024, 4096, 64];
  const memory = new KernelMemory(groups * columns * GROUP_ROWS);
  const weights = memory.allocate(groups * columns * GROUP_ROWS).byteOffset;
  const outputs = new Int32Array(memory.memory.buffer, LAYOUT.output, batch * groups * GROUP_ROWS).fill(1);
  // A unit begins by setting its outputs to 0.
  const multiply = (): void => {
    while (Atomics.load(outputs, 0) + Atomics.load(outputs, (groups / 2) * GROUP_ROWS) === 2);
  };
  const kernels = { ...memory.kernels, multiply };
  const job = { kernel: KERNELS.fp32, weights, groups, columns, batch, unitGroups: groups / 2 };
  return { job, memory: Object.defineProperty(Object.create(memory), 'kernels', { value: kernels }) };
}

test('a product under way when the threads are closed is refused: it does not wait for workers that have ended', async () => {
  const threads = new Threads(2);
  const { memory, job } = longJob();
  const product = threads.compute(memory, job, new Pace());
  const refused = expect(product).rejects.toThrow('are closed');
  await threads.close();
  await refused;
});

test('units of a product for this thread alone are offered to nobody else', async () => {
  await using threads = new Threads(2);
  const offered = jest.spyOn(JobBoard.prototype, 'open');
  const product = { ...largeProduct(), weights: packed(pseudoRandom(128 * 600, 1), 600), batch: 1 };
  const small = { ...product, input: product.input.subarray(0, 600), output: new Float32Array(128) };
  await multiply(small, threads, new Pace());
  expect(offered).not.toHaveBeenCalled();
  await multiply(largeProduct(), threads, new Pace());
  expect(offered).toHaveBeenCalled();
  offered.mockRestore();
});
