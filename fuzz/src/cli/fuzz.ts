import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitStatus, fileErrorFrom, UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, requireFileName, runCommand } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { type ChildResult, runChild } from '../run-child.js';
import { makeInput } from '../run-target.js';
import { readSeeds, writeSeeds } from '../seeds.js';
import { openTargets, TARGET_NAMES, type TargetName } from '../targets.js';
import { requireWholeNumber } from './whole-number.js';

/** 130,000 inputs in all; loading a model takes longest. */
const INPUTS: Readonly<Record<TargetName, number>> = {
  checkpoint: 20_000,
  tokenizer: 20_000,
  npu: 30_000,
  device: 10_000,
  suite: 20_000,
  golden: 20_000,
  report: 10_000,
};
/** More than this for a file of some ten kilobytes is out of bounds. */
const MAX_GROWTH_BYTES = 256 << 20;
const MAX_INPUT_MS = 2000;

function parse(argv: readonly string[]) {
  // A usage each line: yargs cuts longer ones in the middle of a word.
  return yargs([...argv])
    .scriptName('fuzz')
    .version(false)
    .usage('$0 [options]\n')
    .usage('Gives every reader of files mutated ones. A finding is an error that no reader')
    .usage('should end with, a crash or a hang.')
    .option('inputs', {
      type: 'number',
      requiresArg: true,
      describe: 'in all; default 130000, and the simulator with sanitizers',
    })
    .option('seed', { type: 'number', requiresArg: true, default: 1, describe: 'same seed, same inputs' })
    .option('target', {
      type: 'string',
      requiresArg: true,
      describe: 'only this one',
    })
    .option('only', { type: 'number', requiresArg: true, describe: 'only the input of this number' })
    .option('save', {
      type: 'string',
      requiresArg: true,
      describe: 'with --target and --only: write the input here',
    })
    .epilogue('Targets:')
    .epilogue(`  ${TARGET_NAMES.join(', ')}`)
    .strict()
    .locale('en')
    .wrap(helpWidth())
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw new UsageError(message ?? error?.message ?? '', { next: 'see --help' });
    })
    .parseSync();
}

type Given = ReturnType<typeof parse>;
type Options = Pick<Given, 'inputs' | 'seed' | 'only' | 'save'> & { target: TargetName | undefined };

/** yargs breaks a list of choices within its words. */
function targetNamed(name: string | undefined): TargetName | undefined {
  const found = TARGET_NAMES.find(known => known === name);
  if (found !== undefined || name === undefined) return found;
  throw new UsageError('unknown --target', { got: name, wanted: TARGET_NAMES.join(', ') });
}

/** `pnpm fuzz`. @returns 1 when something was found */
async function fuzz(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options['help'] === true) return ExitStatus.fine;
  refuseRepeated(options, argv);
  requireFileName('--save', options.save);
  requireWholeNumber('--inputs', options.inputs, 1);
  requireWholeNumber('--seed', options.seed, 0);
  requireWholeNumber('--only', options.only, 0);
  const chosen = { ...options, target: targetNamed(options.target) };
  const folder = mkdtempSync(join(tmpdir(), 'npu-fuzz-'));
  try {
    await writeSeeds(folder);
    return options.save === undefined ? await fuzzAll(folder, chosen) : await saveInput(folder, chosen);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fuzzAll(folder: string, { inputs, seed, target, only }: Options): Promise<number> {
  const all = Object.values(INPUTS).reduce((sum, count) => sum + count, 0);
  const share = (inputs ?? all) / all;
  let found = 0;
  for (const name of target === undefined ? TARGET_NAMES : [target]) {
    const count = only === undefined ? Math.ceil(INPUTS[name] * share) : 1;
    const task = { target: name, seed, first: only ?? 0, inputs: count, folder };
    found += report(await runChild(task, input => progress(name, input, count)));
  }
  if (target === undefined && inputs === undefined && only === undefined) found += fuzzSimulator();
  process.stdout.write(found === 0 ? 'nothing found\n' : `${found} found\n`);
  return found === 0 ? ExitStatus.fine : 1;
}

/** Random programs and ioctls, under sanitizers. @returns 1 when they found something */
function fuzzSimulator(): number {
  const run = fileURLToPath(new URL('../../../../packages/simulator/test/fuzz/run.mjs', import.meta.url));
  return spawnSync(process.execPath, [run], { stdio: 'inherit' }).status === 0 ? 0 : 1;
}

function progress(name: string, input: number, count: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${input} of ${count}\u001b[K`);
}

/** @returns how many findings */
function report(result: ChildResult): number {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const { target, inputs, accepted, refused, slowestMs, slowestInput, peakGrowthBytes } = result;
  const findings = [...result.findings];
  const add = (error: string): unknown => findings.push({ target, seed: 0, input: -1, error });
  if (slowestMs > MAX_INPUT_MS)
    add(`input ${slowestInput} took ${slowestMs.toFixed(0)} ms of CPU, wanted at most ${MAX_INPUT_MS}`);
  if ((peakGrowthBytes ?? 0) > MAX_GROWTH_BYTES) add(`memory grew by ${peakGrowthBytes} bytes`);
  const growth = peakGrowthBytes === undefined ? '-' : `${(peakGrowthBytes / 2 ** 20).toFixed(0)} MiB`;
  process.stdout.write(
    `${target.padEnd(11)} ${inputs} inputs: ${accepted} read, ${refused} refused, ${findings.length} findings; ` +
      `slowest ${slowestMs.toFixed(0)} ms of CPU, memory grew by ${growth}\n`,
  );
  for (const { seed, input, error } of findings.slice(0, 10)) {
    const again = input < 0 ? '' : ` (again: --target ${target} --seed ${seed} --only ${input})`;
    process.stdout.write(`  found${again}: ${error.replaceAll('\n', '\n    ')}\n`);
  }
  return findings.length;
}

async function saveInput(folder: string, { target: name, seed, only, save }: Options): Promise<number> {
  if (name === undefined || only === undefined) throw new UsageError('--save needs --target and --only');
  const targets = await openTargets(readSeeds(folder));
  try {
    writeFileSync(save!, makeInput(targets.find(target => target.name === name)!, seed, only));
  } catch (error) {
    throw fileErrorFrom(error, save!, 'write');
  }
  for (const target of targets) await target[Symbol.asyncDispose]();
  return ExitStatus.fine;
}

process.exitCode = await runCommand('fuzz', () => fuzz(process.argv.slice(2)));
