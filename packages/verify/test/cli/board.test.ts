import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { talesFixture, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { NpuFile } from '@npu-llama/format';
import {
  argumentOf,
  DelegatingKernel,
  type IoctlCall,
  KernelError,
  SUBMIT,
} from '@npu-llama/runtime/testing';
import { openRuntimeNpuWith } from '../../src/npu/runtime-npu.js';
import { readReport, type VerifyReport } from '../../src/report/index.js';
import { TemporaryFolder, TINY } from '../support/models.js';
import { writeHollowNpuFile } from '../support/npu-file.js';
import { runCommandLine } from '../support/run-command.js';

const command = fileURLToPath(new URL('../../../bin/verify-npu.js', import.meta.url));
const folder = new TemporaryFolder();
const tales = folder.file('tales.npu');
const suite = folder.file('suite.json');
const golden = folder.file('golden.json');
const SIM = ['--device', 'sim'];
const VERIFY = [tales, '--reference', talesFixture.checkpoint, ...SIM];
const SUITE = {
  schemaVersion: 1,
  name: 'tales',
  positions: 24,
  prompts: [
    { text: 'Once upon a time' },
    { text: 'The', mode: 'free' },
    { text: 'The', mode: 'free', temperature: 1, seeds: [1, 2] },
  ],
};

beforeAll(async () => {
  const { checkpoint: source, tokenizer } = talesFixture;
  await convertCheckpoint({ source, tokenizer, target: tales });
  writeFileSync(suite, JSON.stringify(SUITE));
  const { status, stderr } = run('record', source, '-z', tokenizer, '--suite', suite, '-o', golden);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(() => folder[Symbol.dispose]());

/** Runs with the FFI adapter that this project of jest is for: NPU_FFI is inherited. */
function run(...args: string[]) {
  return runOn('', ...args);
}

function runOn(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}

function documentOf(...args: string[]): VerifyReport & { readonly status: number | null } {
  const { status, stdout, stderr } = run(...args, '--json');
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as VerifyReport), status };
}

describe('a board that is right', () => {
  test('passes its golden record, in every mode, products audited', () => {
    const { status, verdict, prompts, summary, reference } = documentOf(
      'check',
      tales,
      '--golden',
      golden,
      ...SIM,
    );
    expect([status, verdict, reference.kind]).toEqual([0, 'pass', 'golden']);
    expect(prompts.map(({ mode, sampling }) => [mode, sampling?.seed])).toEqual([
      ['forced', undefined],
      ['free', undefined],
      ['free', '1'],
      ['free', '2'],
    ]);
    expect(summary.failing).toBe(0);
    // It did compute: not bit by bit what the reference says.
    expect(summary.fp16!.meanRelativeRms).toBeGreaterThan(0);
    expect(prompts[0]!.positions.filter(({ audited }) => audited)).toHaveLength(3);
  });

  test('audits every position where no fewer are asked for', () => {
    const { prompts } = documentOf(...VERIFY, '-n', '5', '--audit', '5');
    expect(prompts[0]!.positions.map(({ audited }) => audited)).toEqual(Array(5).fill(true));
  });

  test('is not looked into where FP16 alone costs too much', () => {
    const zero = ['--tolerance', 'fp32.positionRms=0', '--accuracy', 'fail'];
    const { status, verdict, diagnoses } = documentOf(...VERIFY, '-n', '3', ...zero);
    expect([status, verdict, diagnoses]).toEqual([1, 'fail', []]);
  });

  test('passes the suite against the checkpoint, and says what each way costs', () => {
    const document = documentOf(...VERIFY, '--suite', suite);
    expect(document).toMatchObject({ status: 0, verdict: 'pass', suite: { name: 'tales' } });
    // Against the FP16-aware reference the device is much nearer than FP16 is to FP32.
    const { fp16, fp32, cost, perplexity } = document.summary;
    expect(fp16!.meanRelativeRms!).toBeLessThan(cost!.meanRelativeRms);
    expect(fp32!.meanRelativeRms! / cost!.meanRelativeRms).toBeCloseTo(1, 0);
    expect(perplexity!.npu).toBeCloseTo(perplexity!.fp16!, 3);
    // The runtime draws what its logits give.
    const kinds = document.prompts.flatMap(({ positions }) => positions.flatMap(({ failures }) => failures));
    expect(kinds).toEqual([]);
  });

  test('gives the same bits again', () => {
    const { status, stability } = documentOf(...VERIFY, '-i', 'The', '-n', '12', '--repeat', '3');
    expect([status, stability]).toEqual([0, [expect.objectContaining({ repeats: 3, identical: true })]]);
  });

  test('gets its prompts from standard input', () => {
    const { status, stdout } = runOn('Once\n\nThe cat\n', ...VERIFY, '--prompts', '-', '-n', '12', '--json');
    const { prompts } = JSON.parse(stdout) as VerifyReport;
    expect([status, prompts.map(({ text }) => text)]).toEqual([0, ['Once', 'The cat']]);
    expect(runOn('', ...VERIFY, '--prompts', '-').status).toBe(2);
  });
});

describe('a board that is wrong', () => {
  test('fails its golden record with status 1, and the reports say so', () => {
    const hollow = folder.file('hollow.npu');
    const recorded = JSON.parse(readFileSync(golden, 'utf8')) as {
      checkpoint: { sha256: string; sharedClassifier: boolean; config: typeof TINY };
    };
    writeHollowNpuFile(hollow, recorded.checkpoint);
    const report = folder.file('hollow.json');
    const { status, stdout } = run('check', hollow, '--golden', golden, ...SIM, '-o', report);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAIL\b/m);
    const { verdict, prompts } = readReport(report);
    expect(verdict).toBe('fail');
    expect(prompts.map(prompt => prompt.verdict)).toEqual(['fail', 'fail', 'fail', 'fail']);
  });

  test('the record of another model is no verdict on it: status 2', () => {
    const source = folder.file('random.bin');
    writeRandomCheckpoint(source, { config: TINY });
    const other = folder.file('random.npu');
    writeHollowNpuFile(other, { config: TINY, sharedClassifier: true, sha256: 'f'.repeat(64) });
    const { status, stdout, stderr } = run('check', other, '--golden', golden, ...SIM);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^verify-npu: [^\n]*random\.npu: was not made from the checkpoint[^\n]*\n$/);
  });
});

describe('a board that loses jobs', () => {
  const source = folder.file('lost.bin');
  const model = folder.file('lost.npu');
  const argv = [model, '--reference', source, ...SIM, '-n', '6', '--json'];
  beforeAll(async () => {
    writeRandomCheckpoint(source, { config: TINY, seed: 5 });
    await convertCheckpoint({ source, target: model });
  });

  /** Runs where some of the jobs, counted from 1, do not end in time. */
  async function runLosing(isLost: (job: number) => boolean, commandLine = argv) {
    let jobs = 0;
    class Losing extends DelegatingKernel {
      override ioctl(fd: number, call: IoctlCall): void {
        if (argumentOf(call, SUBMIT) !== undefined && isLost(++jobs)) {
          throw new KernelError('RKNPU_SUBMIT', constants.errno.ETIMEDOUT);
        }
        super.ioctl(fd, call);
      }
    }
    const { status, stdout } = await runCommandLine(
      commandLine,
      openRuntimeNpuWith({ kernel: kernel => new Losing(kernel) }),
    );
    return { status, jobs, report: JSON.parse(stdout) as VerifyReport };
  }

  test('once: it is reset, the result is the same, and it is noted', async () => {
    const { jobs, report: wanted } = await runLosing(() => false);
    const { status, report } = await runLosing(job => job === jobs - 2);
    expect([status, report.verdict]).toEqual([0, 'pass']);
    expect(report.notes.map(({ kind }) => kind)).toEqual(['timeoutRetried']);
    const logits = ({ prompts }: VerifyReport) => prompts[0]!.positions.map(({ fp16 }) => fp16);
    expect(logits(report)).toEqual(logits(wanted));
  });

  test.each([
    ['a sweep', [tales, '--sweep', ...SIM, '--json'], /^checking matrices, [\w.]+: /],
    ['a diagnosis', [...argv, '--diagnose'], /^diagnosis of position \d+, \S+: /],
  ])('once in %s: the same', async (_, commandLine, text) => {
    const { jobs } = await runLosing(() => false, commandLine);
    const { status, report } = await runLosing(job => job === jobs - 9, commandLine);
    expect([status, report.verdict]).toEqual([0, 'pass']);
    expect(report.notes).toEqual([{ run: 0, kind: 'timeoutRetried', text: expect.stringMatching(text) }]);
  });

  test('twice: status 3, with what was found until then', async () => {
    const { jobs } = await runLosing(() => false);
    const { status, report } = await runLosing(job => job >= jobs - 2);
    expect([status, report.verdict]).toEqual([3, 'error']);
    expect(report.runs[0]!.error).toMatchObject({ exitStatus: 3, message: expect.stringMatching(/tim/) });
    expect(report.notes.map(({ kind }) => kind)).toEqual(['timeoutRetried']);
  });
});

describe('a weight that is no number', () => {
  test('is found, though the runtime refuses to go on from the first position', async () => {
    const damaged = folder.file('nan.npu');
    const bytes = readFileSync(tales);
    using file = NpuFile.open(tales);
    bytes.writeUInt16LE(0x7e00, file.dataOffset + file.tensor('layers.1.wo').offset + 2 * 77);
    writeFileSync(damaged, bytes);
    const { status, stdout } = run(damaged, ...VERIFY.slice(1), '--no-checksums', '-n', '8', '--json');
    const report = JSON.parse(stdout) as VerifyReport;
    expect([status, report.verdict]).toEqual([1, 'fail']);
    expect(report.prompts[0]!.failures).toMatchObject([{ kind: 'refused' }]);
    const [first] = report.diagnoses[0]!.findings;
    expect(first).toMatchObject({ place: 'layers.1.wo', what: 'weights', wrong: 1 });
  });
});

describe('files', () => {
  test('of a device that is not there: the report says why, status 3', () => {
    const report = folder.file('absent.json');
    const node = folder.file('card1');
    const where = ['--device', 'rknpu', '--device-path', node];
    const { status, stderr } = run('check', tales, '--golden', golden, ...where, '-o', report);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^verify-npu: [^\n]*card1[^\n]*\n$/);
    expect(readReport(report)).toMatchObject({
      verdict: 'error',
      prompts: [],
      runs: [{ error: { exitStatus: 3 } }],
    });
  });

  test('SIGINT leaves none, and ends with 130', async () => {
    const target = folder.file('interrupted');
    mkdirSync(target);
    const files = ['-o', `${target}/report.json`, '--junit', `${target}/junit.xml`];
    const prompts = Array.from({ length: 200 }, () => ['-i', '']).flat();
    const child = spawn(process.execPath, [command, ...VERIFY, ...prompts, ...files]);
    // The first prompt is through, the others are not; the files are begun.
    await once(child.stdout, 'data');
    expect(readdirSync(target)).toHaveLength(2);
    child.kill('SIGINT');
    child.stdout.resume();
    const [code] = await once(child, 'close');
    expect([code, readdirSync(target)]).toEqual([130, []]);
  });
});
