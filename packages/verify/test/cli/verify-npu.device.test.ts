import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { describeDevice, describeOneAdapter, talesFixture, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { CheckpointFile } from '@npu-llama/format';
import type { VerifyReport } from '../../src/report/index.js';
import { sha256OfCheckpoint } from '../../src/verify/index.js';
import { TemporaryFolder, TINY } from '../support/models.js';
import { writeHollowNpuFile } from '../support/npu-file.js';

const command = fileURLToPath(new URL('../../../bin/verify-npu.js', import.meta.url));
const folder = new TemporaryFolder();
const tales = folder.file('tales.npu');
const againstTales = [tales, '--reference', talesFixture.checkpoint];

beforeAll(async () => {
  await convertCheckpoint({
    source: talesFixture.checkpoint,
    tokenizer: talesFixture.tokenizer,
    target: tales,
  });
});
afterAll(() => folder[Symbol.dispose]());

/** Runs with the FFI adapter that this project of jest is for: NPU_FFI is inherited. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describeDevice('the trained model on the simulated device', () => {
  test('agrees at every position of several stories', () => {
    const prompts = ['', 'Once upon a time', 'The', 'It was raining, and'].flatMap(prompt => ['-i', prompt]);
    const { status, stdout, stderr } = run(...againstTales, ...prompts, '-n', '0', '--device', 'sim');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^prompt \d .* 0 failing/gm)).toHaveLength(4);
    expect(stdout).toMatch(/^tokens that differ +0 +0/m);
    expect(stdout).toMatch(/^PASS: \d+ positions of 4 prompts within every tolerance/m);
  });

  test('as one JSON document', () => {
    const { status, stdout } = run(...againstTales, '-n', '20', '--device', 'sim', '--json');
    const report = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(report).toMatchObject({ verdict: 'pass', model: { source: { name: 'tales.bin' } } });
    // FP16 shows: the device did compute, and not with the reference's own numbers.
    expect(report.summary.fp32.meanRelativeRms).toBeGreaterThan(1e-5);
  });
});

describeOneAdapter('random models on the simulated device', () => {
  test.each([
    ['padding everywhere, heads in groups', { config: TINY }],
    ['a classifier of its own', { config: TINY, sharedClassifier: false }],
    ['version 1', { config: TINY, version: 1 }],
    ['version 2', { config: { ...TINY, hiddenDim: 36 }, version: 2 }],
    ['one KV head for all', { config: { ...TINY, dim: 64, headCount: 8, kvHeadCount: 1 } }],
  ] as const)('%s', async (name, options) => {
    const source = folder.file(`${name}.bin`);
    const target = folder.file(`${name}.npu`);
    writeRandomCheckpoint(source, { ...options, seed: 11 });
    await convertCheckpoint({ source, target });
    const { status, stdout, stderr } = run(target, '--reference', source, '--device', 'sim');
    expect({ status, stderr, verdict: stdout.match(/^PASS|^FAIL/m)?.[0] }).toEqual({
      status: 0,
      stderr: '',
      verdict: 'PASS',
    });
  });
});

describeOneAdapter('what goes wrong', () => {
  test('a model with other weights than it says fails with status 1', async () => {
    const hollow = folder.file('hollow.npu');
    using checkpoint = CheckpointFile.open(talesFixture.checkpoint);
    const { config, sharedClassifier } = checkpoint.layout;
    writeHollowNpuFile(hollow, { config, sharedClassifier, sha256: await sha256OfCheckpoint(checkpoint) });
    const { status, stdout } = run(
      hollow,
      '--reference',
      talesFixture.checkpoint,
      '-n',
      '4',
      '--device',
      'sim',
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^prompt 1, position 0, after token 1: NPU token 0 at 0\.0000, reference token \d+ at /m,
    );
    expect(stdout).toMatch(/^FAIL: .*4 of 4 positions fail/m);
  });

  test('fails with status 1 also when nobody reads what it prints, or it cannot be written', () => {
    const args = [
      folder.file('hollow.npu'),
      '--reference',
      talesFixture.checkpoint,
      '-n',
      '4',
      '--device',
      'sim',
    ];
    const quoted = [process.execPath, command, ...args].map(arg => `'${arg}'`).join(' ');
    const shell = (line: string) => spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect(shell(`${quoted} | true; exit \${PIPESTATUS[0]}`).status).toBe(1);
    expect(shell(`${quoted} > /dev/full`).status).toBe(1);
    expect(shell(`${quoted} 2> /dev/full`).status).toBe(1);
  });

  test('a verdict that cannot be written is no verdict: status 2, one line', () => {
    const args = [...againstTales, '-n', '4', '--device', 'sim', '--json'];
    const quoted = [process.execPath, command, ...args].map(arg => `'${arg}'`).join(' ');
    const { status, stderr } = spawnSync('bash', ['-c', `${quoted} > /dev/full`], { encoding: 'utf8' });
    expect(stderr).toMatch(
      /^verify-npu: the output: cannot write: no space left on the device \(ENOSPC\)[^\n]*\n$/,
    );
    expect(status).toBe(2);
  });

  test('an NPU that computes wrong from the start ends with status 1, and is looked into', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [command, ...againstTales, '--device', 'sim'],
      {
        encoding: 'utf8',
        env: { ...process.env, NPU_SIM: 'zero-core=1' },
      },
    );
    expect(stderr).toMatch(/^verify-npu: the NPU computes a known product wrong, [^\n]*\n$/);
    expect(stdout).toMatch(/^ +1\. layers\.0\.wqkv: .*core 1, all 0$/m);
    expect(stdout).toMatch(
      /^FAIL: the NPU computes a known product wrong.*the first wrong place is layers\.0\.wqkv/m,
    );
    expect(status).toBe(1);
  });

  test.each([
    ['short-heights', 0, ['fourRows']],
    ['zero-core=1', 1, []],
  ])('%s: rows that had to be changed are noted where that helped', (plan, status, notes) => {
    const args = [command, ...againstTales, '-n', '4', '--device', 'sim', '--json'];
    const env = { ...process.env, NPU_SIM: plan };
    const ran = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    const report = JSON.parse(ran.stdout) as VerifyReport;
    expect([ran.status, report.notes.map(({ kind }) => kind)]).toEqual([status, notes]);
  });

  test('a device that is not there ends with status 3', () => {
    const node = folder.file('card1');
    const { status, stdout, stderr } = run(...againstTales, '--device', 'rknpu', '--device-path', node);
    expect(stderr).toMatch(/^verify-npu: [^\n]*card1[^\n]*; to look into it: npu-doctor [^\n]*\n$/);
    expect(stderr).toContain(` --device-path ${node}\n`);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s gives back all memory and ends with status %i', async (signal, status) => {
    const prompts = Array.from({ length: 200 }, () => ['-i', '']).flat();
    const child = spawn(process.execPath, [command, ...againstTales, ...prompts, '--device', 'sim'], {
      env: { ...process.env, NPU_TRACE: '1' },
    });
    let trace = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      trace += text;
    });
    // The first prompt is through, the others are not.
    await once(child.stdout, 'data');
    child.kill(signal);
    child.stdout.resume();
    const [code] = await once(child, 'close');
    expect(code).toBe(status);
    const count = (call: RegExp): number => trace.match(call)?.length ?? 0;
    expect(count(/MEM_CREATE/g)).toBeGreaterThan(0);
    expect(count(/MEM_DESTROY/g)).toBe(count(/MEM_CREATE/g));
    expect(trace.trimEnd().split('\n').at(-1)).toMatch(/close/);
  });
});
