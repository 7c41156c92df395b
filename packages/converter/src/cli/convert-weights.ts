import { ExitStatus, UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, runCommand } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { converterVersion } from '../version.js';
import { type ConvertArguments, convertCommand } from './convert-command.js';
import { type InspectArguments, inspectCommand } from './inspect-command.js';
import { spellOutOperands } from './operands.js';

const NAME = 'convert-weights';

type Action = (signal: AbortSignal) => Promise<ExitStatus>;

/** Runs convert-weights with the arguments behind its name and returns the exit status. */
export async function main(argv: string[]): Promise<number> {
  return runCommand(NAME, async signal => {
    const action = await parse(argv);
    return action(signal);
  });
}

/** The action that the arguments ask for; after --help and --version there is nothing left to do. */
async function parse(argv: string[]): Promise<Action> {
  let action: Action = async () => ExitStatus.fine;
  const operands = spellOutOperands(argv);
  const parsed = await yargs(operands)
    .scriptName(NAME)
    .usage('Converts llama2.c checkpoints for the RK3588 NPU.')
    .command(
      '$0 <checkpoint>',
      'convert a checkpoint to a .npu file',
      command =>
        command
          .positional('checkpoint', {
            type: 'string',
            demandOption: true,
            describe: 'llama2.c checkpoint, version 0, 1 or 2',
          })
          .option('output', {
            alias: 'o',
            type: 'string',
            demandOption: true,
            requiresArg: true,
            describe: '.npu file to write',
          })
          .option('tokenizer', {
            alias: 'z',
            type: 'string',
            requiresArg: true,
            describe: "the model's tokenizer.bin, to put inside",
          })
          .option('force', { alias: 'f', type: 'boolean', default: false, describe: 'replace the .npu file' })
          .option('saturate', {
            type: 'boolean',
            default: false,
            describe: 'clamp finite weights beyond 65504 instead of refusing them',
          })
          .option('json', { type: 'boolean', default: false, describe: 'print the report as JSON' })
          .option('quiet', {
            alias: 'q',
            type: 'boolean',
            default: false,
            describe: 'print nothing but errors',
          })
          .example('$0 stories110M.bin -z tokenizer.bin -o stories110M.npu', ''),
      options => {
        action = signal => convertCommand(options satisfies ConvertArguments, signal);
      },
    )
    .command(
      'inspect <file>',
      'print what a .npu file holds',
      command =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: '.npu file' })
          .option('check', {
            type: 'boolean',
            default: false,
            describe: 'read it all and check the checksums',
          })
          .option('json', { type: 'boolean', default: false, describe: 'print as JSON' }),
      options => {
        action = signal => inspectCommand(options satisfies InspectArguments, signal);
      },
    )
    .version(converterVersion())
    .strict()
    .wrap(helpWidth())
    .exitProcess(false)
    .showHelpOnFail(false)
    // Actions run later, so whatever fails here is the command line.
    .fail((message: string | null, error: Error | undefined) => {
      throw new UsageError(problem(message ?? error?.message ?? ''), { next: `see ${NAME} --help` });
    })
    .parseAsync();
  refuseRepeated(parsed, operands);
  return action;
}

/** yargs' words, where they are good enough, on one line. */
function problem(message: string): string {
  if (message.startsWith('Not enough non-option arguments')) return 'no file named';
  return message.replaceAll(/\s*\n\s*/g, ' ');
}
