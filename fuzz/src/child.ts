import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTarget, type TargetResult } from './run-target.js';
import { readSeeds } from './seeds.js';
import { openTargets } from './targets.js';

/** What a child is told on its command line, as JSON. */
export interface ChildTask {
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly inputs: number;
  /** With the seeds; the inputs are written beside them. */
  readonly folder: string;
}

/** What a child tells its parent. */
export type ChildMessage =
  | { readonly kind: 'input'; readonly input: number }
  | { readonly kind: 'result'; readonly result: TargetResult; readonly peakGrowthBytes: number };

/** Between two signs of life. */
const INPUTS_A_MESSAGE = 50;
const WARM_UP_INPUTS = 50;

/** A process of its own for each target: a crash or a hang ends nothing else, and its memory is its own. */
async function main(task: ChildTask): Promise<void> {
  const tell = (message: ChildMessage): unknown => process.send!(message);
  const { folder, seed } = task;
  const targets = await openTargets(readSeeds(folder));
  const target = targets.find(({ name }) => name === task.target)!;
  const path = join(folder, `${task.target}.input`);
  // What a reader needs for any file is not growth.
  await runTarget(target, { seed, inputs: WARM_UP_INPUTS, path });
  const before = peakBytes();
  const onInput = (input: number): void => {
    if (input % INPUTS_A_MESSAGE === 0) tell({ kind: 'input', input });
  };
  const result = await runTarget(target, { ...task, path, onInput });
  tell({ kind: 'result', result, peakGrowthBytes: peakBytes() - before });
  for (const opened of targets) await opened[Symbol.asyncDispose]();
}

/** The most that was resident. Not resourceUsage's maxRSS: a child begins with that of the process that started it. */
function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

await main(JSON.parse(process.argv[2]!) as ChildTask);
process.disconnect?.();
