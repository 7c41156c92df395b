import { Sampler } from '@npu-llama/runtime';
import { CpuKernels, MatrixJob } from '@npu-llama/runtime/testing';
import type { Bench } from './bench.js';
import { BenchDevice } from './device/bench-device.js';
import { Stopwatch } from './device/stopwatch.js';
import { TimedKernel } from './device/timed-kernel.js';
import { methodNames, TimedMethods } from './device/timed-methods.js';
import { median } from './median.js';
import type { Budget } from './results.js';

const COPIES: Readonly<Record<string, string>> = {
  run: 'activations in',
  roundFeatures: 'activations in',
  read: 'results out',
  readOut: 'results out',
  unpackResult: 'results out',
};
const DEVICE_STAGES = ['submit', 'sync'];
/** What no stage claims: the way from step to step, promises, and the stopwatch itself. */
export const REST = 'the rest';

/**
 * Decodes with a stopwatch at every step: what a token's time goes to. Slower than without by the stopwatch, some hundred
 * looks at the clock a token, which fall to the rest.
 */
export async function tokenBudget(bench: Bench, firstPosition: number, tokens: number): Promise<Budget> {
  const stopwatch = new Stopwatch();
  const kernels = CpuKernels.prototype;
  const jobs = MatrixJob.prototype;
  using _timed = new TimedMethods(stopwatch)
    .add(kernels, stagesOf(kernels))
    .add(jobs, stagesOf(jobs, ['run', 'read', 'readOut']))
    .add(Sampler.prototype, { sample: 'sampling' });
  await using bed = await BenchDevice.open(bench, { kernel: kernel => new TimedKernel(kernel, stopwatch) });
  await bed.fill(firstPosition);
  await bed.decode(firstPosition, tokens);
  const byStage = new Map<string, number[]>();
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(
      `stages of a token at position ${firstPosition + tokens / 2}: ${run + 1} of ${bench.runs}`,
    );
    stopwatch.reset();
    const total = await bed.decode(firstPosition, tokens);
    const stages = new Map(stopwatch.totals);
    const known = [...stages.values()].reduce((sum, ms) => sum + ms, 0);
    stages.set(REST, total - known);
    for (const [stage, ms] of stages) {
      byStage.set(stage, [...(byStage.get(stage) ?? []), (ms / tokens) * 1000]);
    }
  }
  const stages = Array.from(byStage, ([name, samples]) => ({
    name,
    microseconds: Math.max(0, median(samples)),
  }));
  return { position: firstPosition + tokens / 2, stages: inOrder(stages) };
}

/** Stages of an owner's methods (those that it has of the wanted ones): copies by what they do, steps by their own name. */
function stagesOf(owner: object, wanted = methodNames(owner)): Record<string, string> {
  const there = methodNames(owner).filter(name => wanted.includes(name));
  return Object.fromEntries(there.map(name => [name, COPIES[name] ?? name]));
}

type Stage = Budget['stages'][number];

/** The device first, then the host's stages by their size, what is left last. */
function inOrder(stages: Stage[]): Stage[] {
  const rank = ({ name }: Stage): number =>
    DEVICE_STAGES.includes(name) ? DEVICE_STAGES.indexOf(name) : name === REST ? 99 : 9;
  return stages.sort((a, b) => rank(a) - rank(b) || b.microseconds - a.microseconds);
}

/** Whether a stage is the driver's and the device's rather than the host's. */
export function isDeviceStage(name: string): boolean {
  return DEVICE_STAGES.includes(name);
}
