import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitStatus, UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, runCommand } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { type Inputs, makeInputs, stateOf } from '../interrupts/inputs.js';
import { type InterruptOptions, type InterruptResult, interrupt } from '../interrupts/interrupt.js';
import { hasTerminals } from '../interrupts/run-to-end.js';
import { SUBJECTS } from '../interrupts/subject.js';
import { requireWholeNumber } from './whole-number.js';

function parse(argv: readonly string[]) {
  // A usage each line: yargs cuts longer ones in the middle of a word.
  return yargs([...argv])
    .scriptName('interrupts')
    .version(false)
    .usage('$0 [options]\n')
    .usage('Sends signals to every command, at times spread over all of its life, and looks')
    .usage('at what is left.')
    .option('signals', { type: 'number', requiresArg: true, default: 50, describe: 'a command' })
    .option('seed', {
      type: 'number',
      requiresArg: true,
      default: 1,
      describe: 'same seed, same share of the life',
    })
    .option('only', {
      type: 'string',
      requiresArg: true,
      describe: 'only commands whose name has this in it',
    })
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

/** `pnpm interrupts`. @returns 1 when something was found */
async function interrupts(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options['help'] === true) return ExitStatus.fine;
  refuseRepeated(options, argv);
  const { signals: count, seed, only } = options;
  requireWholeNumber('--signals', count, 1);
  requireWholeNumber('--seed', seed, 0);
  if (only !== undefined && !SUBJECTS.some(({ name }) => name.includes(only))) {
    const wanted = `a part of one of these: ${SUBJECTS.map(({ name }) => name).join('; ')}`;
    throw new UsageError('no command is called so', { got: `--only ${only}`, wanted });
  }
  const folder = mkdtempSync(join(tmpdir(), 'npu-interrupts-'));
  try {
    const made = join(folder, 'inputs');
    mkdirSync(made);
    const inputs = await makeInputs(made);
    const before = stateOf(inputs);
    process.stdout.write(
      `${'command'.padEnd(28)} ${'how'.padEnd(9)} ${'life'.padStart(7)} ${'sent'.padStart(5)} ${'before handlers'.padStart(16)} ` +
        `${'at work'.padStart(8)} ${'through'.padStart(8)} ${'twice'.padStart(6)} ${'found'.padStart(6)}\n`,
    );
    let found = 0;
    for (const task of tasks(inputs, folder, only))
      found += report(await interrupt({ ...task, count, seed }), task.how);
    if (stateOf(inputs) !== before) {
      process.stdout.write('found: a file that is only read was changed\n');
      found++;
    }
    process.stdout.write(found === 0 ? 'nothing found\n' : `${found} found\n`);
    return found === 0 ? ExitStatus.fine : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Commands that write a large file are killed as well. */
function tasks(inputs: Inputs, folder: string, only = ''): Omit<InterruptOptions, 'count' | 'seed'>[] {
  if (!hasTerminals()) process.stderr.write('skipped: runs on a terminal need script (util-linux)\n');
  return SUBJECTS.filter(
    ({ name, onTerminal }) => name.includes(only) && (onTerminal !== true || hasTerminals()),
  ).flatMap(subject => {
    const interrupted = { subject, inputs, folder, how: 'interrupt' } as const;
    const writes = Object.keys(subject.outputs).length > 0 && subject.onTerminal !== true;
    return writes ? [interrupted, { ...interrupted, how: 'kill' } as const] : [interrupted];
  });
}

/** @returns how many findings */
function report({ subject, sent, moments, twice, lifeMs, findings }: InterruptResult, how: string): number {
  process.stdout.write(
    `${subject.padEnd(28)} ${how.padEnd(9)} ${`${lifeMs.toFixed(0)} ms`.padStart(7)} ${String(sent).padStart(5)} ` +
      `${String(moments['before its handlers']).padStart(16)} ${String(moments['at work']).padStart(8)} ` +
      `${String(moments['when it was through']).padStart(8)} ${String(twice).padStart(6)} ${String(findings.length).padStart(6)}\n`,
  );
  for (const finding of findings.slice(0, 10)) process.stdout.write(`  found: ${finding}\n`);
  return findings.length;
}

process.exitCode = await runCommand('interrupts', () => interrupts(process.argv.slice(2)));
