import { readFileSync } from 'node:fs';
import { UsageError } from '@npu-llama/format';
import yargs from 'yargs';

const DEVICE_KINDS = ['auto', 'rknpu', 'sim'] as const;
const SEE_HELP = 'see verify-npu --help';

/** The command line of verify-npu. */
export interface Options {
  readonly model: string;
  readonly reference: string;
  /** At least one. */
  readonly prompts: readonly string[];
  /** 0 for all that the model has. */
  readonly positionCount: number | undefined;
  readonly tokenizer: string | undefined;
  readonly device: (typeof DEVICE_KINDS)[number];
  readonly devicePath: string | undefined;
  readonly json: boolean;
}

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
  const args = await parser(argv).parseAsync();
  if (args['help'] === true || args['version'] === true) return undefined;
  const [model, ...more] = args._.map(String);
  if (model === undefined) throw new UsageError('no model given', { wanted: 'a .npu file', next: SEE_HELP });
  if (more.length > 0) {
    throw new UsageError('more than one model given', {
      got: [model, ...more].join(', '),
      next: 'a prompt needs -i, and quotes where it has spaces',
    });
  }
  const reference = once('--reference', args.reference);
  if (reference === undefined) {
    throw new UsageError('no reference given', {
      wanted: '--reference and the checkpoint that the model was made from',
    });
  }
  const device = once('--device', args.device);
  const devicePath = once('--device-path', args['device-path']);
  if (device === 'sim' && devicePath !== undefined) {
    throw new UsageError('--device-path names a node of the NPU, but --device sim has none', {
      next: 'leave one of them out',
    });
  }
  return {
    model,
    reference,
    prompts: [args.i ?? ''].flat(),
    positionCount: positionCount(once('-n', args.n)),
    tokenizer: once('-z', args.z),
    device,
    devicePath,
    json: args.json,
  };
}

function parser(argv: readonly string[]) {
  const text = { type: 'string', requiresArg: true } as const;
  return yargs([...argv])
    .scriptName('verify-npu')
    .usage('$0 <model.npu> --reference <checkpoint.bin> [options]')
    .usage('Compares the NPU with an independent CPU reference, token by token.')
    .options({
      reference: { ...text, describe: 'the llama2.c checkpoint that the model was made from' },
      i: { ...text, alias: 'prompt', describe: 'a prompt; may be repeated (default: an empty one)' },
      n: {
        ...text,
        alias: 'tokens',
        describe: 'positions to compare per prompt, 0 for seq_len (default: 64)',
      },
      z: { ...text, alias: 'tokenizer', describe: 'tokenizer file (default: the one in the model)' },
      device: {
        choices: DEVICE_KINDS,
        default: DEVICE_KINDS[0],
        requiresArg: true,
        describe: 'what to verify',
      },
      'device-path': { ...text, describe: 'device node of the NPU (default: it is looked for)' },
      json: { type: 'boolean', default: false, describe: 'print one JSON document instead of text' },
    })
    .example('$0 m.npu --reference m.bin', 'a story from nothing')
    .example('$0 m.npu --reference m.bin -i "One day" -i "Tom" -n 256', 'two prompts')
    .epilogue('Exit status: 0 fine, 1 the NPU is wrong, 2 usage or file, 3 device.')
    .wrap(110)
    .locale('en')
    .version(version)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      throw new UsageError((message ?? error.message).replaceAll(/\s+/g, ' '), { next: SEE_HELP });
    });
}

function positionCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError('-n is no number of positions', {
    got: JSON.stringify(text),
    wanted: 'a whole number, 0 for all that the model has',
  });
}

/** yargs gathers a repeated option in an array; only -i may be repeated. */
function once<T>(name: string, value: T | readonly T[]): T {
  if (!Array.isArray(value)) return value as T;
  throw new UsageError(`${name} given ${value.length} times`, { wanted: 'once' });
}
