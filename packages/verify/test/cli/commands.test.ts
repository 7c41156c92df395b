import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomVocabulary, writeRandomCheckpoint, writeRandomTokenizer } from '@npu-llama/fixtures';
import { CheckpointFile, FileError, UsageError } from '@npu-llama/format';
import { DeviceError, NumericError } from '@npu-llama/runtime';
import { type Golden, readGolden } from '../../src/golden/index.js';
import type { OpenNpuOptions } from '../../src/npu/npu-under-test.js';
import type { ReferenceWeights } from '../../src/reference/index.js';
import { readReport, type VerifyReport } from '../../src/report/index.js';
import { sha256OfCheckpoint } from '../../src/verify/index.js';
import { FakeDevice, FakeNpu, FakeTimeOut, type Fault, faultAt } from '../support/fake-npu.js';
import { TemporaryFolder, TINY, weightsOf } from '../support/models.js';
import { writeHollowNpuFile } from '../support/npu-file.js';
import { CommandError, type CommandRun, runCommandLine } from '../support/run-command.js';

const folder = new TemporaryFolder();
const checkpoint = folder.file('model.bin');
const model = folder.file('model.npu');
const bare = folder.file('bare.npu');
const report = folder.file('report.json');
const junit = folder.file('junit.xml');
const FILES = ['-o', report, '--junit', junit];
const VERIFY = [model, '--reference', checkpoint];
const BATCH = ['-i', '', '-i', 'tea', '-i', 'a', '-i', 'b', '-i', 'c', '-n', '14'];

let weights: ReferenceWeights;
let sha256: string;
/** What is in the folder before a test. */
let names: string[];
beforeAll(async () => {
  writeRandomCheckpoint(checkpoint, { config: TINY, seed: 4 });
  weights = await weightsOf(checkpoint);
  using file = CheckpointFile.open(checkpoint);
  sha256 = await sha256OfCheckpoint(file);
  const facts = { config: TINY, sharedClassifier: true, sha256 };
  writeHollowNpuFile(model, { ...facts, vocabulary: randomVocabulary(TINY.vocabSize, 1) });
  writeHollowNpuFile(bare, facts);
});
afterAll(() => folder[Symbol.dispose]());
beforeEach(() => {
  names = readdirSync(folder.path).sort();
});

interface Device {
  readonly fault?: Fault;
  readonly signal?: AbortSignal;
  /** Thrown instead of opening a device. */
  readonly openError?: Error;
  readonly onOpen?: (options: OpenNpuOptions) => void;
}

/** Runs on a fake whose logits are those of the FP16-aware reference. */
async function run(
  argv: readonly string[],
  { fault, signal, openError, onOpen }: Device = {},
): Promise<CommandRun & { readonly device: FakeDevice }> {
  const device = new FakeDevice(new FakeNpu(weights, fault));
  const open = async (options: OpenNpuOptions) => {
    onOpen?.(options);
    if (openError !== undefined) throw openError;
    return device;
  };
  try {
    return { ...(await runCommandLine(argv, open, signal)), device };
  } finally {
    expect(device.fake.openSessions).toBe(0);
  }
}

/** The error of a command that must not have got as far as a device, nor left a file. */
async function refusal(argv: readonly string[]): Promise<Error> {
  const thrown = await run(argv).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof CommandError)) throw new Error('it did not throw', { cause: thrown });
  expect(thrown.run).toEqual({ asked: [], stdout: '', stderr: '' });
  expect(readdirSync(folder.path).sort()).toEqual(names);
  return thrown.error as Error;
}

async function jsonOf(
  argv: readonly string[],
  device?: Device,
): Promise<VerifyReport & { readonly status: number }> {
  const { stdout, status } = await run([...argv, '--json'], device);
  return { ...(JSON.parse(stdout) as VerifyReport), status };
}

describe('a right NPU', () => {
  test('status 0, PASS, the device closed', async () => {
    const { status, stdout, stderr, device } = await run([...VERIFY, '-n', '20']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^PASS\b.*20 positions/m);
    expect([device.closed, device.resets]).toEqual([1, 0]);
  });

  test('--json prints one document and nothing else; -o writes the same', async () => {
    const { status, stdout } = await run([...VERIFY, '-i', '', '-i', 'tea', '-n', '6', '--json', ...FILES]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    expect(readFileSync(report, 'utf8')).toBe(stdout);
    const document = readReport(report);
    expect(document).toEqual(JSON.parse(stdout));
    expect(document).toMatchObject({
      verdict: 'pass',
      command: expect.stringContaining('--reference'),
      reference: { kind: 'checkpoint', path: checkpoint, sha256 },
      model: { path: model, source: { sha256 }, config: TINY },
      accuracyCounts: false,
      runs: [{ verdict: 'pass', device: { description: 'a fake NPU' } }],
      summary: { positions: 12, failing: 0, fp16: { differing: 0, meanRelativeRms: 0 } },
      notes: [],
    });
    expect(document.prompts.map(({ number, text, verdict }) => [number, text, verdict])).toEqual([
      [1, '', 'pass'],
      [2, 'tea', 'pass'],
    ]);
    expect(readFileSync(junit, 'utf8')).toMatch(/<testsuite/);
  });

  test('-n 0 compares all positions that the model has, by default as many as fit', async () => {
    expect((await jsonOf([...VERIFY, '-n', '0'])).summary.positions).toBe(24);
    expect((await jsonOf(VERIFY)).summary.positions).toBe(24);
  });

  test('--repeat: what it found is in the report', async () => {
    const { stability, status } = await jsonOf([...VERIFY, '-n', '5', '--repeat', '3']);
    expect(stability).toMatchObject([{ run: 0, repeats: 3, identical: true, unstable: [] }]);
    expect(status).toBe(0);
    expect((await jsonOf([...VERIFY, '-n', '5'])).stability).toEqual([]);
  });

  test('--tolerance counts, and is in the report', async () => {
    const argv = [...VERIFY, '-n', '5', '--tolerance', 'fp32.positionRms=0', '--tolerance', 'fp16.kl=0.5'];
    const { tolerances, prompts, summary, verdict } = await jsonOf(argv);
    expect(tolerances).toMatchObject({ fp32: { positionRms: 0 }, fp16: { kl: 0.5 } });
    expect(prompts[0]!.positions[0]!.accuracy).toMatchObject([{ kind: 'positionRms', tolerance: 0 }]);
    // What FP16 costs is a note.
    expect([summary.inaccurate, summary.failing, verdict]).toEqual([5, 0, 'pass']);
  });

  test('--accuracy fail makes it a failure', async () => {
    const argv = [...VERIFY, '-n', '5', '--tolerance', 'fp32.positionRms=0', '--accuracy', 'fail'];
    expect(await jsonOf(argv)).toMatchObject({ status: 1, verdict: 'fail', accuracyCounts: true });
  });
});

describe('a wrong NPU', () => {
  test('status 1, FAIL, in the report where', async () => {
    const fault = faultAt(3, logits => logits.map(logit => -logit));
    const { status, stdout, device } = await run([...VERIFY, '-n', '5', ...FILES], { fault });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAIL\b/m);
    expect(device.closed).toBe(1);
    const { verdict, prompts, summary } = readReport(report);
    expect([verdict, summary.failing]).toEqual(['fail', 1]);
    const failing = prompts[0]!.positions.filter(({ failures }) => failures.length > 0);
    expect(failing.map(({ position }) => position)).toEqual([3]);
    expect(readFileSync(junit, 'utf8')).toMatch(/<failure/);
  });

  test('one that does not repeat itself', async () => {
    let calls = 0;
    const fault = faultAt(2, logits => (++calls === 3 ? logits.fill(1, 0, 1) : logits));
    const { status, verdict, stability } = await jsonOf([...VERIFY, '-n', '5', '--repeat', '2'], { fault });
    expect([status, verdict]).toEqual([1, 'fail']);
    expect(stability).toMatchObject([{ identical: false, unstable: [{ prompt: 1, position: 2, run: 2 }] }]);
  });

  test('one that the runtime refuses to go on with', async () => {
    const fault = faultAt(3, () => {
      throw new NumericError('an activation is beyond FP16');
    });
    const { status, prompts } = await jsonOf([...VERIFY, '-n', '5', '-i', '', '-i', 'tea'], { fault });
    expect(status).toBe(1);
    expect(prompts.map(({ failures }) => failures)).toEqual([
      [{ kind: 'refused', message: 'an activation is beyond FP16' }],
      [{ kind: 'refused', message: 'an activation is beyond FP16' }],
    ]);
  });

  test('one that is wrong from the start: a report without prompts, status 1, one line on stderr', async () => {
    const openError = new NumericError('the NPU computes a known product wrong');
    const { status, stderr } = await run([...VERIFY, ...FILES], { openError });
    expect(status).toBe(1);
    expect(stderr).toBe('verify-npu: the NPU computes a known product wrong\n');
    expect(readReport(report)).toMatchObject({
      verdict: 'fail',
      prompts: [],
      runs: [{ error: { exitStatus: 1 } }],
    });
  });
});

describe('a device that fails', () => {
  const dead = new DeviceError('RKNPU_SUBMIT failed', { got: 'EIO' });
  /** As it is said, and kept in reports. */
  const deadMessage = `${dead.message}; to look into it: npu-doctor ${model}`;

  test('half-way: status 3, every report with the error and what was found until then', async () => {
    let calls = 0;
    const fault = faultAt(0, logits => {
      if (++calls === 2) throw dead;
      return logits;
    });
    const argv = [...VERIFY, '-n', '5', '-i', '', '-i', 'tea', '-i', 'it'];
    const { status, stdout, stderr, device } = await run([...argv, '--json', ...FILES], { fault });
    expect(status).toBe(3);
    expect(stderr).toBe(`verify-npu: ${deadMessage}\n`);
    expect(stdout).toBe(readFileSync(report, 'utf8'));
    const { verdict, runs, prompts } = readReport(report);
    expect(verdict).toBe('error');
    expect(runs).toMatchObject([{ verdict: 'error', error: { message: deadMessage, exitStatus: 3 } }]);
    expect(prompts).toMatchObject([{ number: 1, verdict: 'pass', positions: { length: 5 } }]);
    expect(readFileSync(junit, 'utf8')).toMatch(/<error/);
    expect(device.closed).toBe(1);
  });

  test('within a prompt that was wrong before: what was wrong is in the report', async () => {
    const fault: Fault = (logits, position) => {
      if (position === 9) throw dead;
      return position === 3 ? logits.map(value => -value) : logits;
    };
    const { status } = await run([...VERIFY, ...FILES], { fault });
    expect(status).toBe(3);
    const { verdict, prompts } = readReport(report);
    expect([verdict, prompts.map(prompt => prompt.verdict)]).toEqual(['error', ['fail']]);
    expect(prompts[0]!.positions).toHaveLength(9);
    expect(prompts[0]!.positions[3]!.failures).not.toEqual([]);
  });

  test('within a repetition that was not the same before: what was not is in the report', async () => {
    let calls = 0;
    const fault = faultAt(4, logits => {
      // The comparison, the first run, the second, the third.
      if (++calls === 4) throw dead;
      if (calls === 3) logits[7]! += 1;
      return logits;
    });
    const { status } = await run([...VERIFY, '-n', '6', '--repeat', '3', ...FILES], { fault });
    expect(status).toBe(3);
    expect(readReport(report).stability).toMatchObject([
      { identical: false, unstable: [{ prompt: 1, position: 4, run: 2 }] },
    ]);
  });

  test('in a way that nobody thought of: the report has what was found, and no verdict', async () => {
    const argv = [...VERIFY, '-i', '', '-n', '5', ...FILES];
    let texts = 0;
    const second = faultAt(0, logits => {
      if (++texts === 2) throw new RangeError('Array buffer allocation failed');
      return logits;
    });
    await expect(run([...argv, '-i', 'tea'], { fault: second })).rejects.toThrow(/allocation failed/);
    const { verdict, runs, prompts: before } = readReport(report);
    expect([verdict, runs[0]!.error!.exitStatus, before.length]).toEqual(['error', 70, 1]);
    expect(readFileSync(junit, 'utf8')).toMatch(/<error/);
  });

  test('that is not there: a report without device or prompts', async () => {
    const { status, stdout, stderr } = await run([...VERIFY, ...FILES], { openError: dead });
    expect({ status, stdout, stderr }).toEqual({
      status: 3,
      stdout: '',
      stderr: `verify-npu: ${deadMessage}\n`,
    });
    const { runs, prompts } = readReport(report);
    expect([runs[0]!.device, prompts]).toEqual([undefined, []]);
  });

  test('to which a job is lost once: reset, run again, noted; the result is the same', async () => {
    let lost = 0;
    const losing = (at: number): Fault =>
      faultAt(at, logits => {
        if (lost++ === 0) throw new FakeTimeOut('SUBMIT timed out after 6000 ms');
        return logits;
      });
    const { prompts: wanted } = await jsonOf([...VERIFY, '-n', '6']);
    const { prompts, notes, verdict, status } = await jsonOf([...VERIFY, '-n', '6'], { fault: losing(4) });
    expect([status, verdict]).toEqual([0, 'pass']);
    expect(prompts[0]!.positions).toEqual(wanted[0]!.positions);
    expect(notes).toMatchObject([{ run: 0, kind: 'timeoutRetried' }]);
    expect(notes[0]!.text).toMatch(/prompt 1, position 4: SUBMIT timed out after 6000 ms/);
  });

  test('to which a job of a repetition is lost: the same', async () => {
    let calls = 0;
    const fault = faultAt(4, logits => {
      // The comparison, the first run, the second.
      if (++calls === 3) throw new FakeTimeOut('SUBMIT timed out');
      return logits;
    });
    const { device, status, stdout } = await run([...VERIFY, '-n', '6', '--repeat', '2', '--json'], {
      fault,
    });
    const { notes, stability } = JSON.parse(stdout) as VerifyReport;
    expect([status, device.resets, stability[0]!.identical]).toEqual([0, 1, true]);
    expect(notes).toMatchObject([
      { kind: 'timeoutRetried', text: expect.stringMatching(/prompt 1, position 4/) },
    ]);
  });

  test('to which it is lost twice: status 3, the first loss noted', async () => {
    const fault = faultAt(4, () => {
      throw new DeviceError('SUBMIT timed out', { timedOut: true });
    });
    const { status, device } = await run([...VERIFY, '-n', '6', ...FILES], { fault });
    expect([status, device.resets]).toEqual([3, 1]);
    expect(readReport(report)).toMatchObject({ verdict: 'error', notes: [{ kind: 'timeoutRetried' }] });
  });

  test('in a way that nobody foresaw: the error itself, no report', async () => {
    const fault = faultAt(1, () => {
      throw new TypeError('undefined is not a function');
    });
    const running = run([...VERIFY, '-n', '6', '-o', folder.file('none.json')], { fault });
    await expect(running).rejects.toThrow('undefined is not a function');
    expect(readdirSync(folder.path).sort()).toEqual(names);
  });
});

describe('what the device is asked for', () => {
  test('the model, the kind, the node, the cores, the checksums', async () => {
    const argv = [
      ...VERIFY,
      '-n',
      '1',
      '--device',
      'rknpu',
      '--device-path',
      '/dev/dri/card7',
      '--cores',
      '2',
    ];
    const { asked } = await run([...argv, '--no-checksums']);
    expect(asked).toEqual([
      expect.objectContaining({
        model,
        device: 'rknpu',
        devicePath: '/dev/dri/card7',
        cores: 2,
        verifyChecksums: false,
      }),
    ]);
    expect((await run([...VERIFY, '-n', '1'])).asked).toMatchObject([
      { device: 'auto', verifyChecksums: true },
    ]);
  });

  test('checksums that were not looked at are noted', async () => {
    const { notes } = await jsonOf([...VERIFY, '-n', '1', '--no-checksums']);
    expect(notes).toMatchObject([{ kind: 'checksumsOff' }]);
  });

  test('a fall back to the simulated one is noted, and said on stderr even with --json', async () => {
    const onOpen = ({ onFallback }: OpenNpuOptions): void => onFallback?.('no node');
    const { stderr, stdout } = await run([...VERIFY, '-n', '1', '--json'], { onOpen });
    expect(stderr).toMatch(/^verify-npu: no node: [^\n]*simulated[^\n]*\n$/);
    expect((JSON.parse(stdout) as VerifyReport).notes).toMatchObject([{ kind: 'simulated' }]);
  });
});

describe('prompts', () => {
  test('-i, a file with one a line, a file that is one, in this order', async () => {
    writeFileSync(folder.file('lines.txt'), 'tea\r\n\n it\n');
    writeFileSync(folder.file('story.txt'), 'a\nb\n');
    const { prompts } = await jsonOf([
      ...[...VERIFY, '-n', '12', '-i', 'first'],
      ...['--prompts', folder.file('lines.txt'), '--text', folder.file('story.txt')],
    ]);
    expect(prompts.map(({ number, text }) => [number, text])).toEqual([
      [1, 'first'],
      [2, 'tea'],
      [3, ' it'],
      [4, 'a\nb\n'],
    ]);
  });

  test('a matrix that there is not is refused before anything runs', async () => {
    const error = await refusal([...VERIFY, '--matrix', 'layers.0.wq', '--matrix', 'layers.99.w2']);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/no such matrix: got layers\.99\.w2/);
  });

  test('an empty one needs no tokenizer, any other does, which -z brings', async () => {
    const withoutTokenizer = [bare, '--reference', checkpoint, '-n', '8'];
    expect((await run(withoutTokenizer)).status).toBe(0);
    const error = await refusal([...withoutTokenizer, '-i', '', '-i', 'tea']);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/bare\.npu holds no tokenizer to encode prompt 2 with; name one with -z/);
    const tokenizer = folder.file('tokenizer.bin');
    writeRandomTokenizer(tokenizer, TINY.vocabSize);
    const { prompts } = await jsonOf([...withoutTokenizer, '-i', 'tea', '-z', tokenizer]);
    expect(prompts[0]!.text).toBe('tea');
    const tea = folder.file('tea.json');
    writeFileSync(tea, JSON.stringify({ schemaVersion: 1, name: 'tea', prompts: [{ text: 'tea' }] }));
    const recording = run(['record', checkpoint, '--suite', tea, '-o', folder.file('tea-golden.json')]);
    await expect(recording).rejects.toThrow(/model\.bin holds no tokenizer to encode prompt 1 with/);
  });

  test('seeds are a comparison each, whose names tell them apart', async () => {
    const sampled = ['--mode', 'free', '-t', '0.9', '-p', '0.8', '-s', '3', '-s', '18446744073709551615'];
    const { prompts } = await jsonOf([...VERIFY, '-i', 'tea', '-n', '12', ...sampled]);
    expect(prompts).toMatchObject([
      { mode: 'free', name: 'tea (seed 3)', sampling: { temperature: 0.9, topP: 0.8, seed: '3' } },
      { mode: 'free', sampling: { seed: '18446744073709551615' } },
    ]);
    // A fork is where FP16 draws otherwise; each says how far they went together.
    for (const { commonTokens, positions } of prompts) expect(commonTokens).toBe(positions.length);
  });

  test.each([
    ['a prompt that does not fit', [...VERIFY, '-i', 'tea '.repeat(50)], /does not fit/],
    ['fewer positions than its tokens', [...VERIFY, '-i', 'tea', '-n', '1'], /does not fit/],
    ['more positions than the model has', [...VERIFY, '-n', '25'], /got 25, wanted 1 to 24/],
    ['a prompt file that is not there', [...VERIFY, '--prompts', 'nowhere.txt'], /nowhere\.txt/],
    ['standard input twice', [...VERIFY, '--prompts', '-', '--text', '-'], /both name standard input/],
    ['a prompt file without prompts', [...VERIFY, '--prompts', '/dev/null'], /no prompt in \/dev\/null/],
  ])('refuses %s before a device is opened', async (_, argv, message) => {
    expect((await refusal([...argv, '-o', folder.file('none.json')])).message).toMatch(message);
  });

  test('refuses a file that is not UTF-8', async () => {
    writeFileSync(folder.file('latin1.txt'), Buffer.from([0x74, 0xe9]));
    names.push('latin1.txt');
    names.sort();
    for (const option of ['--prompts', '--text']) {
      const error = await refusal([...VERIFY, option, folder.file('latin1.txt')]);
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toMatch(/latin1\.txt is not UTF-8/);
    }
  });
});

describe('a suite', () => {
  const suite = folder.file('suite.json');
  const SUITE = {
    schemaVersion: 1,
    name: 'nightly',
    positions: 12,
    tolerances: { 'fp16.kl': 0.25, step: 0.5 },
    prompts: [
      { text: 'tea' },
      { name: 'three ways', mode: 'free', temperature: 1, seeds: [1, 2, 3], positions: 6 },
      { text: 'it', positions: 0 },
    ],
  };
  beforeAll(() => writeFileSync(suite, JSON.stringify(SUITE)));

  test('says what is compared, how far, and within what; the command line has the last word on tolerances', async () => {
    const document = await jsonOf([...VERIFY, '--suite', suite, '--tolerance', 'step=0.75']);
    expect(document).toMatchObject({
      status: 0,
      suite: { name: 'nightly', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      tolerances: { fp16: { kl: 0.25 }, step: 0.75 },
    });
    expect(document.prompts.map(({ name, mode, sampling }) => [name, mode, sampling?.seed])).toEqual([
      ['tea', 'forced', undefined],
      ['three ways (seed 1)', 'free', '1'],
      ['three ways (seed 2)', 'free', '2'],
      ['three ways (seed 3)', 'free', '3'],
      ['it', 'forced', undefined],
    ]);
    expect(document.prompts[0]!.positions).toHaveLength(12);
    expect(document.prompts[4]!.positions).toHaveLength(24);
  });

  test('one that is wrong is refused before a device is opened', async () => {
    writeFileSync(folder.file('wrong.json'), JSON.stringify({ ...SUITE, prompts: [{ txt: 'tea' }] }));
    names.push('wrong.json');
    names.sort();
    const error = await refusal([
      ...VERIFY,
      '--suite',
      folder.file('wrong.json'),
      '-o',
      folder.file('none.json'),
    ]);
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toMatch(/wrong\.json: is no suite: prompts\.0\.txt/);
  });
});

describe('shards', () => {
  test('merged are the whole: the same prompts in the same order, the same figures and verdict', async () => {
    const fault = faultAt(12, logits => logits.map(logit => -logit));
    const whole = await jsonOf([...VERIFY, ...BATCH], { fault });
    const parts = [1, 2, 3].map(i => folder.file(`part${i}.json`));
    const numbers: number[][] = [];
    for (const [i, part] of parts.entries()) {
      await run([...VERIFY, ...BATCH, '--shard', `${i + 1}/3`, '-o', part], { fault });
      numbers.push(readReport(part).prompts.map(({ number }) => number));
    }
    expect(numbers).toEqual([[1, 4], [2, 5], [3]]);
    const { status, stdout } = await run(['merge', ...parts, '--json', '-o', report]);
    expect(status).toBe(1);
    const merged = readReport(report);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(report, 'utf8')));
    const comparable = ({ prompts }: VerifyReport) =>
      prompts.map(({ run: _, seconds: __, ...prompt }) => prompt);
    expect(comparable(merged)).toEqual(comparable(whole));
    expect(merged.summary).toEqual(whole.summary);
    expect(merged.verdict).toBe('fail');
    expect(merged.runs.map(({ shard }) => shard?.index)).toEqual([1, 2, 3]);
  });

  test('one that failed to run makes the whole an error, status 3; one that is missing is refused', async () => {
    const [one, two] = [folder.file('one.json'), folder.file('two.json')];
    await run([...VERIFY, ...BATCH, '--shard', '1/2', '-o', one]);
    await run([...VERIFY, ...BATCH, '--shard', '2/2', '-o', two], {
      openError: new DeviceError('no device', { got: 'EIO' }),
    });
    expect(await run(['merge', one, two])).toMatchObject({
      status: 3,
      stdout: expect.stringMatching(
        /^\S+ #2: error: no device: got EIO; to look .*\n(.*\n)*ERROR: \S+ #2: no device/m,
      ),
    });
    // Nothing else would say why.
    const whole = folder.file('whole.json');
    await run([...VERIFY, '-o', whole], { openError: new DeviceError('no device', { got: 'EIO' }) });
    expect(await run(['merge', whole])).toMatchObject({
      status: 3,
      stdout: expect.stringMatching(/^ERROR: no device: got EIO; to look .*\n$/),
    });
    names = readdirSync(folder.path).sort();
    expect((await refusal(['merge', one, '-o', folder.file('all.json')])).message).toMatch(/shard 2\/2/);
  });
});

describe('golden records', () => {
  const suite = folder.file('golden-suite.json');
  const golden = folder.file('golden.json');
  const RECORD = ['record', checkpoint, '--suite', suite, '-o', golden, '--model', model];
  beforeAll(async () => {
    const prompts = [
      { text: 'tea', positions: 12 },
      { mode: 'free', temperature: 1, seeds: [1, 2], positions: 10 },
    ];
    const tolerances = { 'fp16.kl': 0.001 };
    writeFileSync(suite, JSON.stringify({ schemaVersion: 1, name: 'board', tolerances, prompts }));
    expect((await run(RECORD)).status).toBe(0);
  });

  test('a right device passes, with the suite, the tolerances and the identity of the record', async () => {
    const document = await jsonOf(['check', model, '--golden', golden, '--tolerance', 'step=1']);
    expect(document).toMatchObject({
      status: 0,
      verdict: 'pass',
      suite: { name: 'board' },
      reference: { kind: 'golden', path: golden },
      tolerances: { fp16: { kl: 0.001 }, step: 1 },
    });
    expect(document.prompts.map(({ sampling }) => sampling?.seed)).toEqual([undefined, '1', '2']);
    expect(document.prompts.every(({ failures }) => failures.length === 0)).toBe(true);
    expect(document.summary.fp32).toBeUndefined();
  });

  test('a wrong device fails, status 1', async () => {
    const fault = faultAt(3, logits => logits.map(logit => -logit));
    const { status, prompts } = await jsonOf(['check', model, '--golden', golden], { fault });
    expect(status).toBe(1);
    expect(prompts[0]!.positions[3]!.failures.map(({ kind }) => kind)).toContain('token');
  });

  test('a device that fails within a prompt that was wrong before: what was wrong is in the report', async () => {
    const dead = new DeviceError('RKNPU_SUBMIT failed', { got: 'EIO' });
    const fault: Fault = (logits, position) => {
      if (position === 9) throw dead;
      return position === 3 ? logits.map(value => -value) : logits;
    };
    const { status, prompts } = await jsonOf(['check', model, '--golden', golden], { fault });
    expect([status, prompts.length, prompts[0]!.verdict]).toEqual([3, 1, 'fail']);
    expect(prompts[0]!.positions).toHaveLength(9);
  });

  test('shards of a record are shards of a suite', async () => {
    const { prompts } = await jsonOf(['check', model, '--golden', golden, '--shard', '2/2']);
    expect(prompts.map(({ number }) => number)).toEqual([2]);
  });

  test('recorded again it is the same bytes, and replaces only where that is asked for', async () => {
    const before = readFileSync(golden);
    names = readdirSync(folder.path).sort();
    const error = await refusal(RECORD);
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toMatch(/golden\.json: exists already.*--force/);
    expect((await run([...RECORD, '--force'])).status).toBe(0);
    expect(readFileSync(golden).equals(before)).toBe(true);
  });

  describe('of another identity is an error, not a failure', () => {
    /** The golden record, changed by hand. */
    function edited(name: string, change: (record: Golden) => unknown): string {
      const path = folder.file(name);
      writeFileSync(path, JSON.stringify(change(readGolden(golden).golden)));
      return path;
    }

    test('another checkpoint', async () => {
      const other = folder.file('other.npu');
      writeHollowNpuFile(other, { config: TINY, sharedClassifier: true, sha256: 'c'.repeat(64) });
      names = readdirSync(folder.path).sort();
      const error = await refusal(['check', other, '--golden', golden, '-o', folder.file('none.json')]);
      expect(error).toBeInstanceOf(FileError);
      expect(error.message).toMatch(/other\.npu: was not made from the checkpoint that .*golden\.json is of/);
      expect(error.message).toMatch(/model\.bin with [0-9a-f]{64}/);
    });

    test('another file of the same checkpoint, where one was named; without it is fine', async () => {
      const error = await refusal(['check', bare, '--golden', golden]);
      expect(error).toBeInstanceOf(FileError);
      expect(error.message).toMatch(/bare\.npu: is not the file that .*golden\.json was recorded for/);
      const anyFile = folder.file('any.json');
      await run(['record', checkpoint, '--suite', suite, '-o', anyFile, '-z', writtenTokenizer()]);
      expect((await run(['check', bare, '--golden', anyFile])).status).toBe(0);
    });

    test('another shape, edited into the record', async () => {
      const path = edited('shape.json', ({ checkpoint: of, ...record }) => {
        return { ...record, checkpoint: { ...of, config: { ...of.config, headCount: 2 } } };
      });
      names = readdirSync(folder.path).sort();
      const error = await refusal(['check', model, '--golden', path]);
      expect(error).toBeInstanceOf(FileError);
      expect(error.message).toMatch(
        /shape\.json: disagrees with .*model\.npu about n_heads: got 2, wanted 10/,
      );
    });

    test('a field that was never there, or is gone', async () => {
      const more = edited('more.json', record => ({ ...record, comment: 'checked by hand' }));
      const less = edited('less.json', ({ tolerances: _, ...record }) => record);
      names = readdirSync(folder.path).sort();
      expect((await refusal(['check', model, '--golden', more])).message).toMatch(/comment will not do/);
      expect((await refusal(['check', model, '--golden', less])).message).toMatch(
        /is no golden record: tolerances is missing/,
      );
    });
  });

  test('a record of a .npu file that is of another checkpoint is refused', async () => {
    const other = folder.file('foreign.npu');
    writeHollowNpuFile(other, {
      config: TINY,
      sharedClassifier: true,
      sha256: 'c'.repeat(64),
      vocabulary: randomVocabulary(TINY.vocabSize, 1),
    });
    const target = folder.file('none.json');
    const recording = run(['record', checkpoint, '--suite', suite, '-o', target, '--model', other]);
    await expect(recording).rejects.toThrow(/foreign\.npu: was not made from this reference/);
    expect(readdirSync(folder.path)).not.toContain('none.json');
  });
});

function writtenTokenizer(): string {
  const path = folder.file('tokenizer.bin');
  writeRandomTokenizer(path, TINY.vocabSize);
  return path;
}

describe('files', () => {
  test.each([
    ['-o', folder.file('no/such/report.json')],
    ['--junit', folder.file('no/such/junit.xml')],
    ['--html', folder.file('no/such/page.html')],
    ['-o', folder.path],
  ])('a %s that cannot be written is refused before anything runs: %s', async (option, path) => {
    // Another that could be written is not begun either.
    const other = option === '-o' ? [] : ['-o', folder.file('fine.json')];
    const error = await refusal([...VERIFY, ...other, option, path]);
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toContain(path);
  });

  test('a report does not take the place of what is read, under whatever name', async () => {
    const link = folder.file('link.bin');
    symlinkSync(checkpoint, link);
    const before = readFileSync(checkpoint);
    writeFileSync(report, '{}');
    writeFileSync(folder.file('inputs.txt'), 'tea\n');
    const lines = folder.file('inputs.txt');
    names = readdirSync(folder.path).sort();
    for (const argv of [
      [...VERIFY, '-o', model],
      [...VERIFY, '--junit', checkpoint],
      [...VERIFY, '--html', link],
      [...VERIFY, '--prompts', lines, '-o', lines],
      ['check', model, '--golden', report, '-o', report],
      ['merge', report, '--html', report],
      ['record', checkpoint, '--suite', lines, '--force', '-o', link],
    ]) {
      const error = await refusal(argv);
      expect(error).toBeInstanceOf(FileError);
      expect(error.message).toMatch(/is to be written, but also to be read/);
    }
    expect(readFileSync(checkpoint).equals(before)).toBe(true);
  });

  test('a checkpoint that the model was not made from', async () => {
    const other = folder.file('other.bin');
    writeRandomCheckpoint(other, { config: TINY, seed: 5 });
    names = readdirSync(folder.path).sort();
    const error = await refusal([model, '--reference', other, '-o', folder.file('none.json')]);
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toMatch(/was not made from this reference/);
  });

  test('a tokenizer of another vocabulary', async () => {
    const tokenizer = folder.file('larger.bin');
    writeRandomTokenizer(tokenizer, TINY.vocabSize + 1);
    names = readdirSync(folder.path).sort();
    const error = await refusal([...VERIFY, '-z', tokenizer]);
    expect(error.message).toMatch(/larger\.bin: is the tokenizer of a larger vocabulary/);
  });
});

test('a signal ends it with its reason, the device closed, no file left', async () => {
  const controller = new AbortController();
  const fault = faultAt(2, logits => {
    controller.abort(new Error('received SIGINT'));
    return logits;
  });
  const device: Device = { fault, signal: controller.signal };
  const running = run([...VERIFY, '-n', '6', '-o', folder.file('none.json')], device);
  await expect(running).rejects.toThrow('received SIGINT');
  expect(readdirSync(folder.path).sort()).toEqual(names);
});
