import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '@npu-llama/format';
import yargs, { type Argv } from 'yargs';
import { parseShard, parseTolerance } from '../suite/index.js';
import { decimal, duration, once, seedNumber, wholeNumber } from './option-values.js';
import type {
  DeviceOptions,
  InvestigationOptions,
  Options,
  PromptOptions,
  ReportOptions,
} from './options.js';

const DEVICE_KINDS = ['auto', 'rknpu', 'sim'] as const;
const SEE_HELP = 'see verify-npu --help';
const DASHED_VALUE = 'a value that begins with a dash needs an equals sign, as in -i=-...';
/** Positions of a prompt that are audited when nobody says how many: the prompt's end, what follows it, and one later. */
const DEFAULT_AUDITS = 3;

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
    if (values['help'] !== true && values['version'] !== true) parsed = read(values);
  };
  await common(yargs([...argv]))
    .scriptName('verify-npu')
    .usage('Compares the NPU with an independent CPU reference, token by token.')
    .command(
      '$0 [models..]',
      'compare with the checkpoint that a model was made from',
      command =>
        reportOptions(investigationOptions(deviceOptions(promptOptions(command))))
          .positional('models', { type: 'string', array: true, describe: 'the .npu file' })
          .example('$0 m.npu --reference m.bin', 'a story from nothing')
          .example('$0 m.npu --reference m.bin -i "One day" -n 256', 'a prompt')
          .example('$0 m.npu --sweep', 'every matrix, without a checkpoint'),
      keep(verifyOptions),
    )
    .command(
      'record <checkpoint>',
      'keep what a reference says, for boards that have neither it nor the time',
      command =>
        command
          .positional('checkpoint', { type: 'string', describe: 'the llama2.c checkpoint' })
          .options({
            suite: { ...TEXT, describe: 'the prompts: a suite file' },
            o: { ...TEXT, alias: 'output', describe: 'the golden record to write' },
            force: { type: 'boolean', default: false, describe: 'replace a record that is there' },
            model: { ...TEXT, describe: 'the .npu file that boards are to hold: any other will be refused' },
            z: TOKENIZER,
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
    .epilogue('Exit status: 0 fine, 1 the NPU is wrong, 2 usage or file, 3 device.')
    .parseAsync();
  return parsed;
}

type Arguments = Readonly<Record<string, unknown>> & { readonly _: readonly unknown[] };

const TEXT = { type: 'string', requiresArg: true } as const;
const TOKENIZER = { ...TEXT, alias: 'tokenizer', describe: 'tokenizer file (default: the one in the model)' };

function common(parser: Argv): Argv {
  return parser
    .wrap(Math.min(110, process.stdout.columns ?? 110))
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

function promptOptions(command: Argv): Argv {
  return command
    .options({
      reference: { ...TEXT, describe: 'the llama2.c checkpoint that the model was made from' },
      i: { ...TEXT, alias: 'prompt', describe: 'a prompt; may be repeated (default: an empty one)' },
      prompts: { ...TEXT, describe: 'a file with a prompt a line; - is standard input' },
      text: { ...TEXT, describe: 'a file that is one prompt, line breaks and all' },
      suite: { ...TEXT, describe: 'a suite file with prompts, lengths, tolerances and modes' },
      n: { ...TEXT, alias: 'tokens', describe: 'positions per prompt, 0 for seq_len (default: 64)' },
      mode: {
        choices: ['forced', 'free'] as const,
        requiresArg: true,
        describe: "forced (default): the reference's tokens for both; free: each its own, until they part",
      },
      t: { ...TEXT, alias: 'temperature', describe: 'of free mode (default: 0, greedy)' },
      p: { ...TEXT, alias: 'topp', describe: 'nucleus of free mode (default: 0.9)' },
      s: { ...TEXT, alias: 'seed', describe: 'of free mode with a temperature; may be repeated' },
      z: TOKENIZER,
    })
    .group(
      ['reference', 'i', 'prompts', 'text', 'suite', 'n', 'mode', 't', 'p', 's', 'z'],
      'What is compared:',
    );
}

function deviceOptions(command: Argv): Argv {
  return command
    .options({
      device: {
        choices: DEVICE_KINDS,
        default: DEVICE_KINDS[0],
        requiresArg: true,
        describe: 'what to verify',
      },
      'device-path': { ...TEXT, describe: 'device node of the NPU (default: it is looked for)' },
      cores: { ...TEXT, describe: 'cores to use, 1 to 3 (default: 3)' },
      checksums: {
        type: 'boolean',
        default: true,
        describe: 'of the .npu file; --no-checksums takes it as it is',
      },
    })
    .group(['device', 'device-path', 'cores', 'checksums'], 'Device:');
}

function investigationOptions(command: Argv): Argv {
  return command
    .options({
      audit: { ...TEXT, describe: 'positions a prompt whose products are checked one by one (default: 3)' },
      diagnose: { type: 'boolean', default: false, describe: 'look for the place of a fault in any case' },
      matrix: { ...TEXT, describe: 'check this matrix alone, as layers.7.w2; may be repeated' },
      sweep: { type: 'boolean', default: false, describe: 'check every matrix with random inputs' },
      repeat: { ...TEXT, describe: 'run each prompt so many times, to be the same bit by bit' },
      soak: { ...TEXT, describe: 'repeat for so long: 90s, 10m, 8h' },
      tolerance: { ...TEXT, describe: '<name>=<value>, as fp16.kl=0.001; may be repeated' },
      accuracy: {
        choices: ['note', 'fail'] as const,
        default: 'note' as const,
        requiresArg: true,
        describe: 'what becomes of FP16 costing more than the fp32 tolerances',
      },
      shard: { ...TEXT, describe: 'the i-th of n parts of the prompts, as 2/3' },
    })
    .group(
      ['audit', 'diagnose', 'matrix', 'sweep', 'repeat', 'soak', 'tolerance', 'accuracy', 'shard'],
      'How far to look:',
    );
}

function reportOptions(command: Argv): Argv {
  return command
    .options({
      json: { type: 'boolean', default: false, describe: 'print one JSON document instead of text' },
      o: { ...TEXT, alias: 'output', describe: 'write that document to a file' },
      junit: { ...TEXT, describe: 'write a JUnit XML file' },
      html: { ...TEXT, describe: 'write an HTML page' },
    })
    .group(['json', 'o', 'junit', 'html'], 'Reports:');
}

/** What a suite says instead. */
const PROMPT_OPTIONS = ['i', 'prompts', 'text', 'n', 'mode', 't', 'p', 's'] as const;

function verifyOptions(args: Arguments): Options {
  const [model, ...more] = list(args, 'models');
  if (model === undefined) throw new UsageError('no model given', { wanted: 'a .npu file', next: SEE_HELP });
  if (more.length > 0) {
    throw new UsageError('more than one model given', {
      got: [model, ...more].join(', '),
      next: 'a prompt needs -i, and quotes where it has spaces',
    });
  }
  const reference = optional(args, 'reference');
  const investigation = readInvestigation(args);
  const prompts = readPrompts(args);
  const suite = optional(args, 'suite');
  if (reference === undefined && !investigation.sweep && investigation.matrices.length === 0) {
    throw new UsageError('no reference given', {
      wanted: '--reference and the checkpoint that the model was made from',
      next: 'or check the matrices alone with --sweep, or against a golden record with verify-npu check',
    });
  }
  const named = PROMPT_OPTIONS.find(name => args[name] !== undefined);
  if (suite !== undefined && named !== undefined) {
    throw new UsageError(`--suite says what is compared, and so does ${dashed(named)}`, {
      next: 'leave one of them out',
    });
  }
  if (reference === undefined) refuseWithoutReference(args);
  const device = readDevice(args);
  const report = readReport(args);
  const tokenizer = optional(args, 'z');
  return { kind: 'verify', model, reference, prompts, suite, tokenizer, device, report, ...investigation };
}

/** What is done with prompts: without a reference there are none. */
const OF_PROMPTS = ['suite', ...PROMPT_OPTIONS, 'shard', 'audit', 'repeat', 'soak', 'diagnose'] as const;

/** @throws UsageError for an option that would be passed over */
function refuseWithoutReference(args: Arguments): void {
  const named = OF_PROMPTS.find(name => args[name] !== undefined && args[name] !== false);
  if (named === undefined) return;
  throw new UsageError(`${dashed(named)} is about prompts, and there is nothing to compare them with`, {
    wanted: '--reference and the checkpoint that the model was made from',
    next: 'or leave it out',
  });
}

function recordOptions(args: Arguments): Options {
  return {
    kind: 'record',
    checkpoint: required(args, 'checkpoint', 'a llama2.c checkpoint'),
    suite: required(args, 'suite', '--suite and the file with the prompts'),
    output: required(args, 'o', '-o and the golden record to write'),
    force: args['force'] === true,
    model: optional(args, 'model'),
    tokenizer: optional(args, 'z'),
  };
}

function checkOptions(args: Arguments): Options {
  return {
    kind: 'check',
    model: required(args, 'model', 'a .npu file'),
    golden: required(args, 'golden', '--golden and what verify-npu record wrote'),
    device: readDevice(args),
    report: readReport(args),
    ...readInvestigation(args),
  };
}

function mergeOptions(args: Arguments): Options {
  return { kind: 'merge', reports: list(args, 'reports'), report: readReport(args) };
}

function readPrompts(args: Arguments): PromptOptions {
  const n = optional(args, 'n');
  const mode = once('--mode', args['mode'] as PromptOptions['mode'] | undefined) ?? 'forced';
  const seeds = list(args, 's').map(seedNumber);
  const t = optional(args, 't');
  const p = optional(args, 'p');
  const sampled = (['s', 't', 'p'] as const).find(name => args[name] !== undefined);
  if (mode === 'forced' && sampled !== undefined) {
    throw new UsageError(`-${sampled} is of free mode: forced feeds the reference's best tokens`, {
      next: 'add --mode free, or leave it out',
    });
  }
  const temperature = t === undefined ? 0 : decimal('-t', t);
  if (temperature > 0 && seeds.length === 0) {
    throw new UsageError('a temperature, but no seed', { wanted: '-s and a whole number' });
  }
  if (temperature === 0 && seeds.length > 0) {
    throw new UsageError('a seed, but no temperature: nothing is drawn', { wanted: '-t and a number' });
  }
  const topP = p === undefined ? 0.9 : decimal('-p', p);
  if (topP > 1) throw new UsageError('impossible -p', { got: String(topP), wanted: '0 to 1' });
  return {
    texts: list(args, 'i'),
    file: optional(args, 'prompts'),
    textFile: optional(args, 'text'),
    positions:
      n === undefined
        ? undefined
        : wholeNumber('-n', n, 'number of positions', 'a whole number, 0 for all that the model has'),
    mode,
    temperature,
    topP,
    seeds,
  };
}

function readDevice(args: Arguments): DeviceOptions {
  const kind = once('--device', args['device'] as DeviceOptions['kind']);
  const path = optional(args, 'device-path');
  if (kind === 'sim' && path !== undefined) {
    throw new UsageError('--device-path names a node of the NPU, but --device sim has none', {
      next: 'leave one of them out',
    });
  }
  const cores = optional(args, 'cores');
  return {
    kind,
    path,
    cores: cores === undefined ? undefined : wholeNumber('--cores', cores, 'number of cores'),
    checksums: args['checksums'] !== false,
  };
}

function readInvestigation(args: Arguments): InvestigationOptions {
  const shard = optional(args, 'shard');
  const audit = optional(args, 'audit');
  const repeat = optional(args, 'repeat');
  const soak = optional(args, 'soak');
  const repeats = repeat === undefined ? 1 : wholeNumber('--repeat', repeat, 'number of runs');
  if (repeats < 1) throw new UsageError('impossible --repeat', { got: '0', wanted: '1 or more' });
  return {
    shard: shard === undefined ? undefined : parseShard(shard),
    tolerances: Object.assign({}, ...list(args, 'tolerance').map(parseTolerance)),
    accuracyCounts: once('--accuracy', args['accuracy']) === 'fail',
    audits: audit === undefined ? DEFAULT_AUDITS : wholeNumber('--audit', audit, 'number of positions'),
    diagnose: args['diagnose'] === true,
    matrices: list(args, 'matrix'),
    sweep: args['sweep'] === true,
    repeats,
    soakMs: soak === undefined ? undefined : duration('--soak', soak),
  };
}

function readReport(args: Arguments): ReportOptions {
  const report = {
    json: args['json'] === true,
    output: optional(args, 'o'),
    junit: optional(args, 'junit'),
    html: optional(args, 'html'),
  };
  const files = [report.output, report.junit, report.html].filter(file => file !== undefined);
  const paths = files.map(file => resolve(file));
  const twice = files.find((_, i) => paths.indexOf(paths[i]!) !== i);
  if (twice !== undefined) throw new UsageError('two reports to one file', { got: twice });
  return report;
}

function optional(args: Arguments, name: string): string | undefined {
  return once(dashed(name), args[name] as string | undefined);
}

/** An option as it is typed. */
function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

function required(args: Arguments, name: string, wanted: string): string {
  const value = optional(args, name);
  if (value === undefined) throw new UsageError(`${wanted.split(' ')[0]} is missing`, { wanted });
  return value;
}

function list(args: Arguments, name: string): string[] {
  const value = args[name] as string | readonly string[] | undefined;
  return value === undefined ? [] : [value].flat();
}
