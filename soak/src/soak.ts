import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Growth, growthOf } from './flat.js';
import { runChildren } from './run-child.js';
import type { RunName, RunResult } from './runs.js';

export interface SoakOptions {
  /** A .npu file with a tokenizer. */
  readonly model: string;
  readonly loads: number;
  /** Of each run that counts tokens. */
  readonly tokens: number;
  /** Of memory, in each run: 100 by default. */
  readonly samples?: number;
  /** Told of each run when it is done. */
  readonly onRun?: (run: SoakRun) => void;
  /** Told now and then how far a run is: `done` of `amount`. */
  readonly onProgress?: (run: Pick<SoakRun, 'name' | 'unit' | 'done'>, amount: number) => void;
}

/** A run, and how it was judged. */
export interface SoakRun {
  /** `loads and closes`; `process 1 of 2`. */
  readonly name: string;
  readonly unit: 'loads' | 'tokens';
  readonly done: number;
  /** Whether every text came out as in the single run, and how often one was told otherwise. */
  readonly isSame: boolean;
  readonly growth: readonly Growth[];
  readonly samples: RunResult['samples'];
}

interface Part {
  readonly name: string;
  readonly run: RunName;
  readonly unit: SoakRun['unit'];
}

/** Runs in this order; those of one line at the same time, on one device. */
const PARTS: readonly (readonly Part[])[] = [
  [{ name: 'loads and closes', run: 'loads', unit: 'loads' }],
  [{ name: 'sessions', run: 'sessions', unit: 'tokens' }],
  [{ name: '8 sessions in turns', run: 'turns', unit: 'tokens' }],
  [
    { name: 'process 1 of 2', run: 'turns', unit: 'tokens' },
    { name: 'process 2 of 2', run: 'sessions', unit: 'tokens' },
  ],
];

/** Tells every text once in a process of its own, then all the runs, and holds them against that. */
export async function soak(options: SoakOptions): Promise<SoakRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'npu-soak-device-'));
  try {
    return await soakOn(join(folder, 'device'), options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function soakOn(device: string, options: SoakOptions): Promise<SoakRun[]> {
  const { model, samples = 100, onRun, onProgress } = options;
  const [single] = await runChildren([{ run: 'single', model, amount: 0, samples: 0 }]);
  const runs: SoakRun[] = [];
  for (const parts of PARTS) {
    const shared = parts.length > 1 ? { plan: `shared=${device}` } : {};
    const tasks = parts.map(({ run, unit }) => ({
      run,
      model,
      amount: options[unit],
      samples,
      ...shared,
    }));
    const results = await runChildren(tasks, (task, done) => {
      const { name, unit } = parts[task]!;
      onProgress?.({ name, unit, done }, options[unit]);
    });
    for (const [i, result] of results.entries()) {
      const run = judge(parts[i]!, result, single!);
      runs.push(run);
      onRun?.(run);
    }
  }
  return runs;
}

/** A text that a run did not come to is none that it told otherwise. */
export function judge(
  { name, unit }: Pick<Part, 'name' | 'unit'>,
  result: RunResult,
  single: RunResult,
): SoakRun {
  const { done, digests, samples } = result;
  const isSame = digests.every((own, text) => own.every(digest => digest === single.digests[text]![0]));
  return { name, unit, done, isSame, growth: growthOf(samples), samples };
}

export function isGood({ isSame, growth }: Pick<SoakRun, 'isSame' | 'growth'>): boolean {
  return isSame && growth.every(({ isFlat }) => isFlat);
}
