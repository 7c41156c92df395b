import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevice } from '@npu-llama/runtime';
import type { Bench } from './bench.js';
import type { BenchOptions } from './cli/options.js';
import { withoutGoals } from './figure.js';
import { PARTS } from './figures/index.js';
import { currentCommit, describeMachine } from './machine.js';
import { compilePrograms } from './native.js';
import { prepareModel } from './prepare.js';
import { isPublishedShape } from './published-shape.js';
import { RESULTS_SCHEMA_VERSION, type Results, type Section } from './results.js';
import { decodeWindows } from './windows.js';

/** Measures the chosen parts one after the other, on one model and one device. What it makes for that goes with it. */
export async function measure(
  options: BenchOptions,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<Results> {
  const folder = mkdtempSync(join(tmpdir(), 'npu-llama-bench-'));
  try {
    const bench = await prepareBench(options, folder, signal, progress);
    const commit = await currentCommit(signal);
    const sections: Section[] = [];
    for (const part of options.parts) {
      const date = new Date().toISOString();
      const { figures, ...rest } = await PARTS[part](bench);
      sections.push({
        part,
        date,
        commit,
        model: bench.files.name,
        shape: bench.files.config,
        device: deviceText(options),
        runs: bench.runs,
        figures: isPublishedShape(bench.files.config) ? figures : figures.map(withoutGoals),
        ...rest,
      });
    }
    const machine = describeMachine(bench.programs.compiler);
    return { schemaVersion: RESULTS_SCHEMA_VERSION, machine, sections };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepareBench(
  options: BenchOptions,
  folder: string,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<Bench> {
  const { quick, runs, big, device, devicePath, cores, llama2c } = options;
  const { checkpoint, model, tokenizer } = options;
  const deviceOptions = {
    kind: device,
    ...(devicePath !== undefined && { path: devicePath }),
    ...(cores !== undefined && { cores }),
  };
  // A device that is not there, or computes wrong, is to be known before minutes are spent.
  await (await openDevice(deviceOptions)).close();
  const programs = await compilePrograms(folder, signal);
  const files = await prepareModel({ quick, checkpoint, model, tokenizer, folder, signal, progress });
  return {
    files,
    windows: decodeWindows(files.config.seqLen, quick),
    device: deviceOptions,
    programs,
    llama2c: llama2c === undefined ? { missing: 'not given (--llama2c)' } : { path: llama2c },
    runs,
    quick,
    big,
    folder,
    signal,
    progress,
  };
}

function deviceText({ device, devicePath, cores = 3 }: BenchOptions): string {
  const name =
    device === 'sim'
      ? 'the simulated device'
      : `the NPU${devicePath === undefined ? '' : ` at ${devicePath}`}`;
  return `${name}, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
}
