import { UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, requireFileName } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { PART_NAMES, type PartName } from '../figures/index.js';

export interface BenchOptions {
  readonly parts: readonly PartName[];
  readonly runs: number;
  readonly quick: boolean;
  readonly big: boolean;
  readonly device: 'sim' | 'rknpu';
  readonly devicePath: string | undefined;
  readonly cores: number | undefined;
  readonly checkpoint: string | undefined;
  readonly model: string | undefined;
  readonly tokenizer: string | undefined;
  readonly llama2c: string | undefined;
  /** Results to write. */
  readonly json: string | undefined;
  /** Whether results that are there are kept where nothing was measured anew. */
  readonly update: boolean;
  /** Results to read instead of measuring. */
  readonly from: string | undefined;
  readonly writeDocs: boolean;
}

const DEFAULT_RUNS = 5;
const TEXT = { type: 'string', requiresArg: true } as const;

/** @returns undefined when --help was all that was asked for; throws UsageError */
export async function parseOptions(argv: string[]): Promise<BenchOptions | undefined> {
  let answered = false;
  const parser = yargs()
    .scriptName('pnpm bench')
    .usage('$0\n')
    .usage('Measures every part beside the limit of the machine and beside what users would run instead.')
    .options({
      only: { ...TEXT, describe: `any of ${PART_NAMES.join(', ')}` },
      runs: {
        type: 'number',
        requiresArg: true,
        describe: `turns a figure is the median of (default: ${DEFAULT_RUNS})`,
      },
      quick: {
        type: 'boolean',
        default: false,
        describe: 'the small fixture, one turn, no goals: does it work?',
      },
      big: {
        type: 'boolean',
        default: false,
        describe: 'also convert a 7B-shaped sparse file; takes 15 GB of disk',
      },
      device: {
        choices: ['sim', 'rknpu'] as const,
        default: 'sim' as const,
        requiresArg: true,
        describe: 'what to run on',
      },
      'device-path': { ...TEXT, describe: 'device node of the NPU (default: it is looked for)' },
      cores: { type: 'number', requiresArg: true, describe: 'NPU cores, 1 to 3 (default: 3)' },
      checkpoint: {
        ...TEXT,
        describe: 'a llama2.c checkpoint, version 0 (default: a random 110M)',
      },
      model: { ...TEXT, describe: 'its .npu file (default: it is converted)' },
      tokenizer: { ...TEXT, describe: 'its tokenizer.bin' },
      llama2c: { ...TEXT, describe: "llama2.c's compiled run, to put beside it" },
      json: { ...TEXT, describe: 'write the results to a file' },
      update: {
        type: 'boolean',
        default: false,
        describe: 'keep what that file holds of parts that were not measured',
      },
      from: { ...TEXT, describe: 'read results from a file instead of measuring' },
      'write-docs': {
        type: 'boolean',
        default: false,
        describe: 'bring docs/performance.md and its plots up to date',
      },
    })
    .strict()
    .locale('en')
    .version(false)
    .wrap(helpWidth())
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message: string | null, error: Error | undefined) => {
      const problem = message ?? error?.message ?? '';
      throw new UsageError(problem.replaceAll(/\s*\n\s*/g, ' '), { next: 'see pnpm bench --help' });
    });
  const options = await parser.parse(argv, {}, (_error, _parsed, output) => {
    if (output === '') return;
    answered = true;
    process.stdout.write(`${output}\n`);
  });
  if (answered) return undefined;
  refuseRepeated(options, argv);
  requireFileName('--json', options.json);
  const { only, quick, big, device, checkpoint, model, tokenizer, llama2c, json, update, from } = options;
  if (update && json === undefined) throw new UsageError('--update needs --json');
  if (from !== undefined && only !== undefined)
    throw new UsageError('--from measures nothing, so --only has no meaning');
  return {
    parts: partsOf(only),
    runs: runsOf(options.runs, quick),
    quick,
    big,
    device,
    devicePath: options['device-path'],
    cores: options.cores,
    checkpoint,
    model,
    tokenizer,
    llama2c,
    json,
    update,
    from,
    writeDocs: options['write-docs'],
  };
}

function runsOf(runs: number | undefined, quick: boolean): number {
  if (runs === undefined) return quick ? 1 : DEFAULT_RUNS;
  if (Number.isInteger(runs) && runs >= 1) return runs;
  throw new UsageError('impossible number of runs', { got: String(runs), wanted: '1 or more' });
}

function partsOf(only: string | undefined): readonly PartName[] {
  if (only === undefined) return PART_NAMES;
  return only.split(',').map(name => {
    const part = PART_NAMES.find(known => known === name.trim());
    if (part === undefined)
      throw new UsageError('no such part', { got: name, wanted: PART_NAMES.join(', ') });
    return part;
  });
}
