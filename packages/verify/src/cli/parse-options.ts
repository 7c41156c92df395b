import { readFileSync } from 'node:fs';
import { UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, requireFileName } from '@npu-llama/format/cli';
import yargs, { type Argv } from 'yargs';
import {
  deviceOptions,
  investigationOptions,
  promptOptions,
  reportOptions,
  TEXT,
  THREADS,
  TOKENIZER,
} from './option-tables.js';
import type { Options } from './options.js';
import {
  type Arguments,
  checkOptions,
  mergeOptions,
  recordOptions,
  SEE_HELP,
  verifyOptions,
} from './read-options.js';

const REPEATABLE = ['models', 'reports', 'i', 'prompt', 's', 'seed', 'matrix', 'tolerance'];
/** Options that name a file to write. */
const WRITTEN = [
  ['o', '-o'],
  ['junit', '--junit'],
  ['html', '--html'],
] as const;

const DASHED_VALUE = 'a value that begins with a dash needs an equals sign, as in -i=-...';

/** This package's version. */
export const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/**
 * Parses the command line.
 * @returns undefined where --help or --version has been printed, and nothing is left to do
 * @throws UsageError when it is wrong
 */
export async function parseOptions(argv: readonly string[]): Promise<Options | undefined> {
  let parsed: Options | undefined;
  const keep = (read: (args: Arguments) => Options) => (args: unknown) => {
    const values = args as Arguments;
    if (values['help'] === true || values['version'] === true) return;
    refuseRepeated(values, argv, REPEATABLE);
    for (const [name, option] of WRITTEN) requireFileName(option, values[name] as string | undefined);
    parsed = read(values);
  };
  await common(yargs([...argv]))
    .scriptName('verify-npu')
    .usage('Compares the NPU with an independent CPU reference, token by token.')
    .command(
      '$0 [models..]',
      'compare a model with its checkpoint',
      command =>
        reportOptions(investigationOptions(deviceOptions(promptOptions(command))))
          .positional('models', { type: 'string', array: true, describe: 'the .npu file' })
          .example('$0 m.npu --reference m.bin', 'a story from nothing')
          .example('$0 m.npu --reference m.bin -n 0', 'all positions of the model')
          .example('$0 m.npu --sweep', 'every matrix, without a checkpoint'),
      keep(verifyOptions),
    )
    .command(
      'record <checkpoint>',
      'keep what a reference says, for boards',
      command =>
        command
          .positional('checkpoint', { type: 'string', describe: 'the llama2.c checkpoint' })
          .options({
            suite: { ...TEXT, describe: 'the prompts: a suite file' },
            o: { ...TEXT, alias: 'output', describe: 'the golden record to write' },
            force: { type: 'boolean', default: false, describe: 'replace a record that is there' },
            model: { ...TEXT, describe: 'the .npu file that boards are to hold, and no other' },
            z: TOKENIZER,
            threads: THREADS,
          })
          .example('$0 record m.bin -z tokenizer.bin --suite suite.json -o golden.json', ''),
      keep(recordOptions),
    )
    .command(
      'check <model>',
      'compare with a golden record',
      command =>
        reportOptions(investigationOptions(deviceOptions(command)))
          .positional('model', { type: 'string', describe: 'the .npu file' })
          .options({ golden: { ...TEXT, describe: 'what verify-npu record wrote' } })
          .example('$0 check m.npu --golden golden.json --device rknpu', ''),
      keep(checkOptions),
    )
    .command(
      'merge <reports..>',
      'make one report of several boards',
      command =>
        reportOptions(command)
          .positional('reports', { type: 'string', array: true, describe: 'reports written with -o' })
          .example('$0 merge board1.json board2.json --html all.html', ''),
      keep(mergeOptions),
    )
    .epilogue('Exit status: 0 fine, 1 the NPU is wrong, 2 usage or file, 3 device, 70 a bug.')
    .parseAsync();
  return parsed;
}

function common(parser: Argv): Argv {
  return parser
    .wrap(helpWidth())
    .locale('en')
    .version(version)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof UsageError) throw error;
      const text = (message ?? error.message).replaceAll(/\s+/g, ' ');
      // A prompt of "-oh" is taken for options, the last of them without a value.
      const dash = text.startsWith('Not enough arguments following') ? `${DASHED_VALUE}; ` : '';
      throw new UsageError(text, { next: `${dash}${SEE_HELP}` });
    });
}
