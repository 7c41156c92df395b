import { UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { DEVICE_KINDS } from '../device/index.js';
import { FFI_NAMES } from '../ffi/index.js';
import { VERSION } from '../version.js';

/** run-npu's command line, checked. */
export interface RunOptions {
  readonly model: string;
  readonly prompt: string | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: bigint | undefined;
  /** Undefined: run.c's default of 256. 0: the model's seq_len. */
  readonly steps: number | undefined;
  readonly tokenizer: string | undefined;
  readonly mode: 'generate' | 'chat';
  readonly system: string | undefined;
  readonly device: (typeof DEVICE_KINDS)[number];
  readonly devicePath: string | undefined;
  readonly ffi: string | undefined;
  readonly cores: number | undefined;
  readonly rows: 1 | 4 | undefined;
  readonly stats: boolean;
  readonly json: boolean;
}

/** @returns undefined where --help or --version was asked for, and answered */
export async function parseRunOptions(argv: readonly string[]): Promise<RunOptions | undefined> {
  let answered = false;
  const parser = yargs()
    .scriptName('run-npu')
    // A usage each: yargs cuts one that is longer than the width, line breaks counted, in the middle of a word.
    .usage('$0 <model.npu> [options]\n')
    .usage('Runs a llama2.c model on the RK3588 NPU; options as in run.c.')
    .demandCommand(1, 1, 'no model named', 'more than one model named')
    .option('i', { alias: 'prompt', type: 'string', describe: 'text to go on from', requiresArg: true })
    .option('t', {
      alias: 'temperature',
      type: 'string',
      default: '1',
      describe: '0: always the likeliest token',
      requiresArg: true,
    })
    .option('p', {
      alias: 'top-p',
      type: 'string',
      default: '0.9',
      describe: 'nucleus sampling; 0 or 1: off',
      requiresArg: true,
    })
    .option('s', {
      alias: 'seed',
      type: 'string',
      describe: 'random seed (default: the time)',
      requiresArg: true,
    })
    .option('n', {
      alias: 'steps',
      type: 'string',
      describe: 'positions to run (default 256); 0 or beyond seq_len: all',
      requiresArg: true,
    })
    .option('z', {
      alias: 'tokenizer',
      type: 'string',
      describe: 'a llama2.c tokenizer, instead of the one in the model',
      requiresArg: true,
    })
    .option('m', {
      alias: 'mode',
      choices: ['generate', 'chat'] as const,
      default: 'generate' as const,
      describe: 'a text, or a conversation',
      requiresArg: true,
    })
    .option('y', { alias: 'system', type: 'string', describe: 'system prompt of a chat', requiresArg: true })
    .option('device', {
      choices: DEVICE_KINDS,
      default: 'auto' as const,
      describe: 'auto: the NPU, else the simulated one',
      requiresArg: true,
    })
    .option('device-path', {
      type: 'string',
      describe: 'device node of the vendor driver (default: found)',
      requiresArg: true,
    })
    .option('cores', { type: 'string', describe: 'NPU cores to use, 1 to 3 (default 3)', requiresArg: true })
    .option('rows', {
      type: 'string',
      choices: ['1', '4'] as const,
      describe: 'rows of a decoding job (default: found out)',
      requiresArg: true,
    })
    .option('ffi', {
      choices: FFI_NAMES,
      describe: 'foreign function interface (default: NPU_FFI, else koffi)',
      requiresArg: true,
    })
    .option('stats', { type: 'boolean', default: false, describe: 'print what it took, on stderr' })
    .option('json', { type: 'boolean', default: false, describe: 'print one JSON object instead of text' })
    .example('$0 model.npu -i "Once upon a time"', 'a story')
    .example('$0 model.npu -t 0 --device sim', 'on the simulated NPU')
    .strictOptions()
    .parserConfiguration({ 'parse-positional-numbers': false })
    .locale('en')
    .version(VERSION)
    .wrap(helpWidth())
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  const words = textsAttached(argv);
  let parsed: Awaited<ReturnType<typeof parser.parse>>;
  try {
    parsed = await parser.parse(words, {}, (_error, _args, output) => {
      if (output === '') return;
      answered = true;
      process.stdout.write(`${output}\n`);
    });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(problem.replaceAll(/\s*\n\s*/g, ' '), { next: 'see run-npu --help', cause });
  }
  if (answered) return undefined;
  refuseRepeated(parsed, words);
  const model = String(parsed._[0]);
  for (const text of [parsed.i, parsed.y]) requireUtf8(text);
  if (model === '') throw new UsageError("the model's file name is empty");
  return {
    model,
    prompt: parsed.i,
    temperature: numberOption('-t', parsed.t),
    topP: numberOption('-p', parsed.p),
    seed: parsed.s === undefined ? undefined : seedOption(parsed.s),
    steps: parsed.n === undefined ? undefined : stepsOption(parsed.n),
    tokenizer: parsed.z,
    mode: parsed.m,
    system: parsed.y,
    device: parsed.device,
    devicePath: parsed.devicePath,
    ffi: parsed.ffi,
    cores: parsed.cores === undefined ? undefined : numberOption('--cores', parsed.cores),
    rows: parsed.rows === undefined ? undefined : parsed.rows === '1' ? 1 : 4,
    stats: parsed.stats,
    json: parsed.json,
  };
}

/** Options whose value is any text at all. */
const TEXT_OPTIONS = ['-i', '--prompt', '-y', '--system'];

/** Attaches texts that begin with a dash to their options, `-i=- he said`: yargs would take them for options. */
function textsAttached(argv: readonly string[]): string[] {
  const attached: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') return [...attached, ...argv.slice(i)];
    const next = argv[i + 1];
    if (TEXT_OPTIONS.includes(argument) && next?.startsWith('-') === true) {
      attached.push(`${argument}=${next}`);
      i++;
    } else {
      attached.push(argument);
    }
  }
  return attached;
}

function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new UsageError(`${name} takes a number`, { got: JSON.stringify(text) });
  }
  return value;
}

function stepsOption(text: string): number {
  const value = numberOption('-n', text);
  if (!Number.isInteger(value) || value < 0) {
    throw new UsageError('impossible -n', { got: text, wanted: 'a whole number from 0 on' });
  }
  return value;
}

function seedOption(text: string): bigint {
  if (!/^[0-9]{1,20}$/.test(text) || BigInt(text) === 0n || BigInt(text) >= 1n << 64n) {
    throw new UsageError('impossible seed', { got: text, wanted: 'a whole number from 1 to 2^64 - 1' });
  }
  return BigInt(text);
}

/** Node has replaced what was not UTF-8 before we see it: another text would be run than the one given. */
function requireUtf8(text: string | undefined): void {
  if (text?.includes('\uFFFD') !== true) return;
  throw new UsageError('a prompt is not UTF-8 text', { next: 'convert it, with iconv for instance' });
}
