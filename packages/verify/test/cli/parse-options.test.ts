import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import type { Options } from '../../src/cli/options.js';
import { parseOptions } from '../../src/cli/parse-options.js';

const VERIFY = ['m.npu', '--reference', 'm.bin'];
const CHECK = ['check', 'm.npu', '--golden', 'g.json'];
const RECORD = ['record', 'm.bin', '--suite', 's.json', '-o', 'g.json'];
const FREE = [...VERIFY, '--mode', 'free'];
const SAMPLED = [...FREE, '-t', '0.8', '-s', '7'];

const PROMPTS = {
  texts: [],
  file: undefined,
  textFile: undefined,
  positions: undefined,
  mode: 'forced',
  temperature: 0,
  topP: 0.9,
  seeds: [],
};
const DEVICE = { kind: 'auto', path: undefined, cores: undefined, checksums: true };
const REPORT = { json: false, output: undefined, junit: undefined, html: undefined };
const INVESTIGATION = {
  shard: undefined,
  tolerances: {},
  accuracyCounts: false,
  audits: 3,
  diagnose: false,
  matrices: [],
  sweep: false,
  repeats: 1,
  soakMs: undefined,
};

afterEach(() => {
  jest.restoreAllMocks();
});

/** What the options say of one part, and all of them. */
async function parse(...argv: string[]): Promise<Options> {
  return (await parseOptions(argv))!;
}

describe('what is not said', () => {
  test('verify', async () => {
    expect(await parse(...VERIFY)).toEqual({
      kind: 'verify',
      model: 'm.npu',
      reference: 'm.bin',
      prompts: PROMPTS,
      suite: undefined,
      tokenizer: undefined,
      threads: undefined,
      device: DEVICE,
      report: REPORT,
      ...INVESTIGATION,
    });
  });

  test('check', async () => {
    expect(await parse(...CHECK)).toEqual({
      kind: 'check',
      model: 'm.npu',
      golden: 'g.json',
      device: DEVICE,
      report: REPORT,
      ...INVESTIGATION,
    });
  });

  test('record', async () => {
    expect(await parse(...RECORD)).toEqual({
      kind: 'record',
      checkpoint: 'm.bin',
      suite: 's.json',
      output: 'g.json',
      force: false,
      model: undefined,
      tokenizer: undefined,
      threads: undefined,
    });
  });

  test('merge', async () => {
    expect(await parse('merge', 'a.json', 'b.json')).toEqual({
      kind: 'merge',
      reports: ['a.json', 'b.json'],
      report: REPORT,
    });
  });
});

describe('every option', () => {
  test.each<[string, string[], object]>([
    [
      '-i, repeated',
      [...VERIFY, '-i', 'a b', '--prompt', ''],
      { prompts: { ...PROMPTS, texts: ['a b', ''] } },
    ],
    ['-i of digits', [...VERIFY, '-i', '007'], { prompts: { ...PROMPTS, texts: ['007'] } }],
    ['--prompts', [...VERIFY, '--prompts', '-'], { prompts: { ...PROMPTS, file: '-' } }],
    ['--text', [...VERIFY, '--text', 't.txt'], { prompts: { ...PROMPTS, textFile: 't.txt' } }],
    ['-n', [...VERIFY, '-n', '12'], { prompts: { ...PROMPTS, positions: 12 } }],
    ['-n 0', [...VERIFY, '--tokens', '0'], { prompts: { ...PROMPTS, positions: 0 } }],
    ['--mode forced', [...VERIFY, '--mode', 'forced'], { prompts: PROMPTS }],
    ['--mode free, greedy', FREE, { prompts: { ...PROMPTS, mode: 'free' } }],
    [
      'seeds',
      [...SAMPLED, '--seed', '18446744073709551615', '--top-p', '0.5'],
      {
        prompts: {
          ...PROMPTS,
          mode: 'free',
          temperature: 0.8,
          topP: 0.5,
          seeds: [7n, 18446744073709551615n],
        },
      },
    ],
    ['--suite', [...VERIFY, '--suite', 's.json'], { suite: 's.json', prompts: PROMPTS }],
    ['-z', [...VERIFY, '-z', 'tok.bin'], { tokenizer: 'tok.bin' }],
    ['--device sim', [...VERIFY, '--device', 'sim'], { device: { ...DEVICE, kind: 'sim' } }],
    [
      '--device rknpu and its node',
      [...CHECK, '--device', 'rknpu', '--device-path', '/dev/dri/card7'],
      { device: { ...DEVICE, kind: 'rknpu', path: '/dev/dri/card7' } },
    ],
    ['--cores', [...CHECK, '--cores', '2'], { device: { ...DEVICE, cores: 2 } }],
    ['--no-checksums', [...VERIFY, '--no-checksums'], { device: { ...DEVICE, checksums: false } }],
    ['--audit', [...VERIFY, '--audit', '0'], { audits: 0 }],
    ['--diagnose', [...CHECK, '--diagnose'], { diagnose: true }],
    ['--matrix, repeated', [...VERIFY, '--matrix', 'a', '--matrix', 'b'], { matrices: ['a', 'b'] }],
    ['--sweep without a reference', ['m.npu', '--sweep'], { sweep: true, reference: undefined }],
    ['--matrix without a reference', ['m.npu', '--matrix', 'layers.7.w2'], { matrices: ['layers.7.w2'] }],
    ['--repeat', [...VERIFY, '--repeat', '5'], { repeats: 5 }],
    ['--threads', [...VERIFY, '--threads', '3'], { threads: 3 }],
    ['--soak in seconds', [...VERIFY, '--soak', '90s'], { soakMs: 90_000 }],
    ['--soak in minutes', [...CHECK, '--soak', '10m'], { soakMs: 600_000 }],
    ['--soak in hours', [...CHECK, '--soak', '.5h'], { soakMs: 1_800_000 }],
    [
      '--tolerance, the last counts',
      [...VERIFY, '--tolerance', 'fp16.kl=1', '--tolerance', 'step=2', '--tolerance', 'fp16.kl=3'],
      { tolerances: { 'fp16.kl': 3, step: 2 } },
    ],
    ['--accuracy fail', [...CHECK, '--accuracy', 'fail'], { accuracyCounts: true }],
    ['--shard', [...CHECK, '--shard', '2/3'], { shard: { index: 2, count: 3 } }],
    [
      'report files',
      [...CHECK, '-o', 'r.json', '--junit', 'r.xml', '--html', 'r.html', '--json'],
      { report: { json: true, output: 'r.json', junit: 'r.xml', html: 'r.html' } },
    ],
    [
      'record',
      [...RECORD, '--force', '--model', 'm.npu', '-z', 't'],
      { force: true, model: 'm.npu', tokenizer: 't' },
    ],
    ['merge to a file', ['merge', 'a.json', '-o', 'all.json'], { report: { ...REPORT, output: 'all.json' } }],
  ])('%s', async (_, argv, wanted) => {
    expect(await parse(...argv)).toMatchObject(wanted);
  });
});

describe('refuses', () => {
  test.each<[string, string[], RegExp]>([
    ['nothing', [], /no model given/],
    ['no reference', ['m.npu'], /no reference given: wanted --reference.*--sweep/],
    [
      'two models',
      ['m.npu', 'story', '--reference', 'm.bin'],
      /more than one model given: got m\.npu, story/,
    ],
    ['an unknown option', [...VERIFY, '--colour'], /Unknown argument: colour/],
    ['an option of another command', [...CHECK, '-i', 'a'], /Unknown argument: i/],
    ['a prompt that begins with a dash', [...VERIFY, '-i', '-oh'], /needs an equals sign, as in -i=-/],
    ['a file twice by another spelling', [...VERIFY, '-o', 'a', '--html', './a'], /two reports to one file/],
    ['an option without a value', [...VERIFY, '-o'], /Not enough arguments following: o/],
    ['a reference twice', [...VERIFY, '--reference', 'n.bin'], /--reference given 2 times/],
    ['-n twice', [...VERIFY, '-n', '1', '-n', '2'], /-n given 2 times/],
    ['-n of no number', [...VERIFY, '-n', 'x'], /-n is no number of positions: got "x"/],
    ['-n below 0', [...VERIFY, '-n=-1'], /-n is no number of positions: got "-1"/],
    ['half of -n', [...VERIFY, '-n', '1.5'], /-n is no number of positions/],
    ['-n of hex', [...VERIFY, '-n', '0x10'], /-n is no number of positions/],
    ['-n beyond what numbers hold', [...VERIFY, '-n', '9'.repeat(16)], /-n is no number of positions/],
    ['an unknown mode', [...VERIFY, '--mode', 'greedy'], /Given: "greedy", Choices: "forced", "free"/],
    ['two modes', [...VERIFY, '--mode', 'free', '--mode', 'forced'], /--mode given 2 times/],
    ['a temperature of forced mode', [...VERIFY, '-t', '1'], /-t is of free mode.*--mode free/],
    ['a seed of forced mode', [...VERIFY, '-s', '1'], /-s is of free mode/],
    ['a nucleus of forced mode', [...VERIFY, '-p', '1'], /-p is of free mode/],
    ['a temperature without a seed', [...FREE, '-t', '1'], /a temperature, but no seed/],
    ['a seed without a temperature', [...FREE, '-s', '1'], /a seed, but no temperature/],
    ['a seed of 0', [...FREE, '-t', '1', '-s', '0'], /impossible seed: got "0"/],
    ['a seed of 2^64, which is 0', [...FREE, '-t', '1', '-s', '18446744073709551616'], /impossible seed/],
    ['a negative seed', [...FREE, '-t', '1', '-s=-1'], /impossible seed: got "-1"/],
    ['a temperature of no number', [...FREE, '-t', 'hot', '-s', '1'], /-t is no number: got "hot"/],
    ['a negative temperature', [...FREE, '-t=-1', '-s', '1'], /-t is no number: got "-1"/],
    ['a nucleus beyond 1', [...SAMPLED, '-p', '1.5'], /impossible -p: got 1\.5, wanted 0 to 1/],
    ['two temperatures', [...SAMPLED, '-t', '1'], /-t given 2 times/],
    [
      'a suite and a prompt',
      [...VERIFY, '--suite', 's', '-i', 'a'],
      /--suite says what is compared, and so does -i/,
    ],
    ['a suite and a file', [...VERIFY, '--suite', 's', '--prompts', 'f'], /and so does --prompts/],
    ['a suite and a text', [...VERIFY, '--suite', 's', '--text', 'f'], /and so does --text/],
    ['a suite and a number of positions', [...VERIFY, '--suite', 's', '-n', '5'], /and so does -n/],
    ['a suite and a mode', [...VERIFY, '--suite', 's', '--mode', 'free'], /and so does --mode/],
    ['a suite and a seed', [...SAMPLED, '--suite', 's'], /--suite says what is compared/],
    ['a prompt without a reference', ['m.npu', '--sweep', '-i', 'a'], /-i is about prompts.*--reference/],
    ['a suite without a reference', ['m.npu', '--sweep', '--suite', 's'], /--suite is about prompts/],
    ['repetition without a reference', ['m.npu', '--sweep', '--repeat', '2'], /--repeat is about prompts/],
    ['a soak without a reference', ['m.npu', '--sweep', '--soak', '1h'], /--soak is about prompts/],
    ['a shard without a reference', ['m.npu', '--sweep', '--shard', '1/2'], /--shard is about prompts/],
    ['a diagnosis without a reference', ['m.npu', '--sweep', '--diagnose'], /--diagnose is about prompts/],
    ['an unknown device', [...VERIFY, '--device', 'gpu'], /Choices: "auto", "rknpu", "sim"/],
    ['two devices', [...VERIFY, '--device', 'sim', '--device', 'auto'], /--device given 2 times/],
    [
      'a node of the simulated one',
      [...VERIFY, '--device', 'sim', '--device-path', 'd'],
      /--device sim has none/,
    ],
    ['cores of no number', [...VERIFY, '--cores', 'all'], /--cores is no number of cores/],
    ['audits of no number', [...VERIFY, '--audit', 'x'], /--audit is no number of positions/],
    ['threads without a reference', ['m.npu', '--sweep', '--threads', '2'], /--threads is about prompts/],
    ['no threads', [...VERIFY, '--threads', '0'], /impossible --threads: got 0, wanted 1 to 64/],
    ['too many threads', [...VERIFY, '--threads', '65'], /impossible --threads: got 65/],
    ['no runs', [...VERIFY, '--repeat', '0'], /impossible --repeat: got 0/],
    ['runs of no number', [...VERIFY, '--repeat', 'x'], /--repeat is no number of runs/],
    ['a time without a unit', [...VERIFY, '--soak', '10'], /--soak is no time: got "10", wanted as in 90s/],
    ['no time', [...VERIFY, '--soak', '0s'], /--soak is no time/],
    ['days', [...VERIFY, '--soak', '1d'], /--soak is no time/],
    ['an unknown tolerance', [...VERIFY, '--tolerance', 'kl=1'], /no such tolerance: got "kl=1"/],
    ['another accuracy', [...VERIFY, '--accuracy', 'ignore'], /Choices: "note", "fail"/],
    ['two accuracies', [...VERIFY, '--accuracy', 'note', '--accuracy', 'fail'], /--accuracy given 2 times/],
    ['an impossible shard', [...VERIFY, '--shard', '3/2'], /impossible shard: got "3\/2"/],
    ['two reports to one file', [...VERIFY, '-o', 'r', '--junit', 'r'], /two reports to one file: got r/],
    ['two -o', [...VERIFY, '-o', 'a', '-o', 'b'], /-o given 2 times/],
    ['check without a record', ['check', 'm.npu'], /--golden is missing/],
    ['check without a model', ['check', '--golden', 'g'], /Not enough non-option arguments/],
    ['check of two models', ['check', 'a', 'b', '--golden', 'g'], /Unknown argument: b/],
    ['record without a suite', ['record', 'm.bin', '-o', 'g'], /--suite is missing/],
    ['record without a file', ['record', 'm.bin', '--suite', 's'], /-o is missing/],
    ['record without a checkpoint', ['record'], /Not enough non-option arguments/],
    ['merge of nothing', ['merge'], /Not enough non-option arguments/],
  ])('%s', async (_, argv, message) => {
    const parsing = parseOptions(argv);
    await expect(parsing).rejects.toThrow(UsageError);
    await expect(parsing).rejects.toThrow(message);
    await expect(parsing).rejects.not.toThrow(/\n/);
  });
});

test.each([
  ['--help', /--reference/],
  ['check --help', /--golden/],
  ['record --help', /--force/],
  ['merge --help', /reports/],
  ['--version', /^\d+\.\d+\.\d+$/m],
])('%s prints, and leaves nothing to do', async (line, text) => {
  let printed = '';
  jest.spyOn(console, 'log').mockImplementation((...args) => {
    printed += `${args.join(' ')}\n`;
  });
  expect(await parseOptions(line.split(' '))).toBeUndefined();
  expect(printed).toMatch(text);
});
