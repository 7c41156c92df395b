import { resolve } from 'node:path';
import { UsageError } from '@npu-llama/format';
import { MAX_THREADS } from '../reference/index.js';
import { parseShard, parseTolerance } from '../suite/index.js';
import { decimal, duration, seedNumber, wholeNumber } from './option-values.js';
import type {
  DeviceOptions,
  InvestigationOptions,
  Options,
  PromptOptions,
  ReportOptions,
} from './options.js';

export const SEE_HELP = 'see verify-npu --help';
/** Positions of a prompt that are audited when nobody says how many: the prompt's end, what follows it, and one later. */
const DEFAULT_AUDITS = 3;

/** What yargs makes of a command line. */
export type Arguments = Readonly<Record<string, unknown>> & { readonly _: readonly unknown[] };

const PROMPT_OPTIONS = ['i', 'prompts', 'text', 'n', 'mode', 't', 'p', 's'] as const;

/** @throws UsageError where the command line is wrong */
export function verifyOptions(args: Arguments): Options {
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
  const threads = readThreads(args);
  const what = { model, reference, prompts, suite, tokenizer, threads };
  return { kind: 'verify', ...what, device, report, ...investigation };
}

/** What is done with prompts: without a reference there are none. */
const OF_PROMPTS = [
  'suite',
  ...PROMPT_OPTIONS,
  'threads',
  'shard',
  'audit',
  'repeat',
  'soak',
  'diagnose',
] as const;

/** @throws UsageError for an option that would be passed over */
function refuseWithoutReference(args: Arguments): void {
  const named = OF_PROMPTS.find(name => args[name] !== undefined && args[name] !== false);
  if (named === undefined) return;
  throw new UsageError(`${dashed(named)} is about prompts, and there is nothing to compare them with`, {
    wanted: '--reference and the checkpoint that the model was made from',
    next: 'or leave it out',
  });
}

/** @throws UsageError where the command line is wrong */
export function recordOptions(args: Arguments): Options {
  return {
    kind: 'record',
    checkpoint: required(args, 'checkpoint', 'a llama2.c checkpoint'),
    suite: required(args, 'suite', '--suite and the file with the prompts'),
    output: required(args, 'o', '-o and the golden record to write'),
    force: args['force'] === true,
    model: optional(args, 'model'),
    tokenizer: optional(args, 'z'),
    threads: readThreads(args),
  };
}

/** @throws UsageError where the command line is wrong */
export function checkOptions(args: Arguments): Options {
  return {
    kind: 'check',
    model: required(args, 'model', 'a .npu file'),
    golden: required(args, 'golden', '--golden and what verify-npu record wrote'),
    device: readDevice(args),
    report: readReport(args),
    ...readInvestigation(args),
  };
}

/** @throws UsageError where the command line is wrong */
export function mergeOptions(args: Arguments): Options {
  return { kind: 'merge', reports: list(args, 'reports'), report: readReport(args) };
}

function readPrompts(args: Arguments): PromptOptions {
  const n = optional(args, 'n');
  const mode = (args['mode'] as PromptOptions['mode'] | undefined) ?? 'forced';
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

function readThreads(args: Arguments): number | undefined {
  const threads = optional(args, 'threads');
  if (threads === undefined) return undefined;
  const count = wholeNumber('--threads', threads, 'number of threads');
  if (count >= 1 && count <= MAX_THREADS) return count;
  throw new UsageError('impossible --threads', { got: threads, wanted: `1 to ${MAX_THREADS}` });
}

function readDevice(args: Arguments): DeviceOptions {
  const kind = args['device'] as DeviceOptions['kind'];
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
    accuracyCounts: args['accuracy'] === 'fail',
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
  return args[name] as string | undefined;
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
