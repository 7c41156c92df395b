import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { preset, talesFixture, writeRandomTokenizer } from '@npu-llama/fixtures';
import { describeWarnings } from '../src/cli/conversion-text.js';
import { DMA_WINDOW_BYTES, weightsDmaBytes } from '../src/dma.js';
import { type ConversionReport, convertCheckpoint } from '../src/index.js';
import { COMMAND, convertWeights, start, workplaces } from './support.js';

const workplace = workplaces();

describe('convert-weights', () => {
  test('converts and says what it did', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    writeRandomTokenizer(place.path('t.bin'), 300);
    const target = place.path('m.npu');
    const { status, stdout, stderr } = await convertWeights(source, '-z', place.path('t.bin'), '-o', target);
    expect([status, stderr]).toEqual([0, '']);
    expect(place.withoutFolder(stdout)).toMatch(
      new RegExp(
        [
          '^m\\.npu: 14\\d\\.\\d kB from m\\.bin \\(version 0, 157\\.6 kB\\) in \\d\\.\\d\\d s',
          '  dimensions       dim 40, hidden_dim 72, n_layers 2, n_heads 4, n_kv_heads 2, vocab_size 300, seq_len 32',
          '  classifier       the token embedding',
          '  tokenizer        inside, \\d\\.\\d kB',
          '  DMA memory       139\\.3 kB for the weights',
          '  rounding error   at most 0\\.000\\d+ \\([a-z0-9_.]+\\)',
          '  source SHA-256   [0-9a-f]{64}\n$',
        ].join('\n'),
      ),
    );
    expect(place.files()).toEqual(['m.bin', 'm.npu', 't.bin']);
  });

  test('names that would move the cursor are spelt out', async () => {
    const place = workplace();
    const name = 'a\u001b]0;x\u0007\u202e\nb.bin';
    const source = place.checkpoint(name);
    const target = place.path('named.npu');
    for (const args of [
      [source, '-o', target],
      ['inspect', target],
    ]) {
      const { status, stdout } = await convertWeights(...args);
      expect(status).toBe(0);
      expect(stdout).toContain('a\\u001b]0;x\\u0007\\u202e b.bin');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
  });

  test('JSON names such files, and moves no cursor either', async () => {
    const place = workplace();
    const name = 'a\u007f\u009b2J\u2028\u202eb.bin';
    const source = place.checkpoint(name);
    const target = place.path('named.npu');
    for (const args of [
      [source, '-o', target],
      ['inspect', target],
    ]) {
      const { status, stdout } = await convertWeights(...args, '--json');
      expect(status).toBe(0);
      expect(stdout).toContain('a\\u007f\\u009b2J\\u2028\\u202eb.bin');
      expect(JSON.stringify(JSON.parse(stdout))).toContain(name);
    }
  });

  test('prints its report as JSON', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin', { version: 2 });
    const { status, stdout, stderr } = await convertWeights(source, '-o', place.path('m.npu'), '--json');
    expect([status, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout) as ConversionReport;
    expect(report).toMatchObject({
      source: { path: source, version: 2 },
      saturated: 0,
      weightsDmaBytes: 139264,
    });
    expect(report.target.bytes).toBe(statSync(place.path('m.npu')).size);
  });

  test('prints nothing when told to be quiet, and replaces when told to', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    place.write('m.npu', 'older');
    const result = await convertWeights(source, '-o', place.path('m.npu'), '-q', '-f');
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    expect(statSync(place.path('m.npu')).size).toBeGreaterThan(100_000);
  });

  test('converts the trained model', async () => {
    const place = workplace();
    const { checkpoint, tokenizer } = talesFixture;
    const target = place.path('tales.npu');
    expect(await convertWeights(checkpoint, '-z', tokenizer, '-o', target, '-q')).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(await convertWeights('inspect', target, '--check')).toMatchObject({ status: 0, stderr: '' });
  });

  test('saturates when told to, and says so', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const bytes = readFileSync(source);
    bytes.writeFloatLE(1e9, 28);
    writeFileSync(source, bytes);
    const target = place.path('m.npu');
    expect(await convertWeights(source, '-o', target)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^convert-weights: .*m\.bin: token_embedding, row 0, column 0: got 1000000000, .*\n$/,
      ),
    });
    expect(place.files()).toEqual(['m.bin']);
    const { status, stdout } = await convertWeights(source, '-o', target, '--saturate');
    expect(status).toBe(0);
    expect(stdout).toContain('  saturated        1 weights clamped to 65504\n');
  });

  test.each<[what: string, args: string[], message: string]>([
    ['no arguments', [], 'no file named'],
    ['no target', ['m.bin'], 'Missing required argument: output'],
    ['a target without a name', ['m.bin', '-o'], 'Not enough arguments following: o'],
    ['an empty name', ['m.bin', '-o', ''], "the output's file name is empty"],
    [
      'standard output as the target',
      ['m.bin', '-o', '-'],
      '-o - would write a file called "-", not standard output; for such a file, -o ./-',
    ],
    ['two targets', ['m.bin', '-o', 'a.npu', '-o', 'b.npu'], '-o given 2 times: wanted once'],
    ['two targets by two names', ['m.bin', '-o', 'a.npu', '--output', 'b.npu'], '-o given 2 times'],
    ['a flag and its opposite', ['inspect', 'm.npu', '--json', '--no-json'], '--json given 2 times'],
    ['an unknown option', ['m.bin', '-o', 'm.npu', '--fast'], 'Unknown argument: fast'],
    ['two checkpoints behind --', ['-o', 'm.npu', '--', 'm.bin', '-n.bin'], 'Unknown argument: ./-n.bin'],
    ['two checkpoints', ['m.bin', 'n.bin', '-o', 'm.npu'], 'Unknown argument: n.bin'],
    ['inspect without a file', ['inspect'], 'no file named'],
    [
      'inspect with an option of the other command',
      ['inspect', 'm.npu', '--force'],
      'Unknown argument: force',
    ],
    [
      'a missing checkpoint',
      ['/none/m.bin', '-o', 'm.npu'],
      '/none/m.bin: cannot open: no such file or folder (ENOENT)',
    ],
  ])('ends with 2 and one line for %s', async (_, args, message) => {
    const { status, stdout, stderr } = await convertWeights(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`convert-weights: ${message}`)).toBe(true);
    expect(stderr.indexOf('\n')).toBe(stderr.length - 1);
  });

  test('takes what stands behind -- for file names', async () => {
    const place = workplace();
    place.checkpoint('-m.bin');
    place.checkpoint('inspect');
    const run = (...args: string[]) =>
      start('sh', [
        '-c',
        'cd "$1" && shift && exec "$@"',
        'sh',
        place.path('.'),
        process.execPath,
        COMMAND,
        ...args,
      ]).result;
    expect(await run('-q', '-o', 'm.npu', '--', '-m.bin')).toMatchObject({ status: 0, stderr: '' });
    expect(await run('-q', '--output=-m.npu', '--', 'inspect')).toMatchObject({ status: 0, stderr: '' });
    const inspected = await run('inspect', '--', '-m.npu');
    expect(inspected).toMatchObject({ status: 0, stderr: '' });
    expect(inspected.stdout).toContain('source           inspect, version 0');
    expect(place.files()).toEqual(['-m.bin', '-m.npu', 'inspect', 'm.npu']);
  });

  test('explains itself', async () => {
    const help = await convertWeights('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const option of [
      '--output',
      '--tokenizer',
      '--force',
      '--saturate',
      '--json',
      '--quiet',
      'inspect <file>',
    ]) {
      expect(help.stdout).toContain(option);
    }
    expect(await convertWeights('--version')).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' });
  });

  test('warns of a model whose weights need more than 4 GiB of DMA memory, and of no other', () => {
    const needs = (bytes: number) => ({ weightsDmaBytes: bytes, exceedsDmaWindow: bytes > DMA_WINDOW_BYTES });
    expect(describeWarnings('m.npu', needs(weightsDmaBytes(preset('llama2_7B'), false)))).toBe(
      'convert-weights: warning: m.npu will need 12.3 GiB of DMA memory for its weights, and one address window of the NPU is 4 GiB; use a smaller model, or a driver with several windows\n',
    );
    expect(describeWarnings('m.npu', needs(2 ** 32))).toBe('');
  });

  test('says what a model needs before it writes anything', async () => {
    const place = workplace();
    const target = place.path('m.npu');
    const order: string[] = [];
    await convertCheckpoint({
      source: place.checkpoint('m.bin'),
      target,
      onStart: ({ weightsDmaBytes: bytes }) => order.push(`needs ${bytes > 0}, there ${existsSync(target)}`),
      onProgress: ({ writtenBytes, totalBytes }) => {
        if (writtenBytes === totalBytes) order.push('written');
      },
    });
    expect(order[0]).toBe('needs true, there false');
    expect(order).toContain('written');
  });

  test('ends with status 2 and one line when its output cannot be written', async () => {
    const place = workplace();
    const full = openSync('/dev/full', 'w');
    try {
      const { status, stderr } = spawnSync(
        process.execPath,
        [COMMAND, place.checkpoint('m.bin'), '-o', place.path('m.npu'), '--json'],
        { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' },
      );
      expect(stderr).toBe(
        'convert-weights: the output: cannot write: no space left on the device (ENOSPC); free some space or choose another folder\n',
      );
      expect(status).toBe(2);
    } finally {
      closeSync(full);
    }
  });
});

describe('convert-weights inspect', () => {
  test('prints what a file holds', async () => {
    const place = workplace();
    const target = place.path('m.npu');
    await convertWeights(place.checkpoint('m.bin'), '-o', target, '-q');
    const { status, stdout, stderr } = await convertWeights('inspect', target);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('  tokenizer        none inside\n');
    expect(stdout).toMatch(/source {11}m\.bin, version 0, SHA-256 [0-9a-f]{64}\n/);
    expect(stdout).toMatch(/\nlayers\.1\.w2 {4}F16 {3}3 x 3 x 16 x 32 +95232 +9216 {2}crc32:[0-9a-f]{8}\n/);
    const json = JSON.parse((await convertWeights('inspect', target, '--json')).stdout);
    expect(json).toMatchObject({
      config: preset('tiny'),
      damaged: null,
      dataOffset: 4096,
      converter: '0.1.0',
    });
    expect(json.tensors).toHaveLength(12);
  });

  test('finds every damaged tensor when it checks, and ends with 2', async () => {
    const place = workplace();
    const target = place.path('m.npu');
    await convertWeights(place.checkpoint('m.bin'), '-o', target, '-q');
    expect((await convertWeights('inspect', target, '--check')).stdout).toContain(
      '  checksums        all right\n',
    );
    const bytes = readFileSync(target);
    bytes[4096]! ^= 1;
    bytes[bytes.length - 1]! ^= 128;
    writeFileSync(target, bytes);
    expect((await convertWeights('inspect', target)).status).toBe(0);
    const { status, stderr } = await convertWeights('inspect', target, '--check');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^convert-weights: .*m\.npu: 2 of 12 tensors are damaged: got wrong checksums of layers\.0\.wqkv, rms_final; .*\n$/,
    );
  });

  test('refuses a checkpoint', async () => {
    const place = workplace();
    const { status, stdout, stderr } = await convertWeights('inspect', place.checkpoint('m.bin'));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /m\.bin: is no \.npu file: impossible header length: .*; make one with convert-weights\n$/,
    );
  });
});

test('peak memory does not grow with the model', async () => {
  const place = workplace();
  // Not resourceUsage's maxRSS: a child begins with that of the process that started it.
  const script = `import { readFileSync } from 'node:fs';
    import { main } from ${JSON.stringify(COMMAND.replace('bin/', 'dist/src/cli/'))};
    process.exitCode = await main(process.argv.slice(1));
    process.stdout.write(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;
  const peak = async (layerCount: number): Promise<number> => {
    const name = `${layerCount}.bin`;
    const source = place.sparseCheckpoint(name, { ...preset('stories110M'), layerCount });
    const args = ['--input-type=module', '-e', script, source, '-o', place.path(`${name}.npu`), '-q'];
    const { status, stdout } = await start(process.execPath, args).result;
    expect(status).toBe(0);
    return Number(stdout) / 1024;
  };
  const small = await peak(1);
  const large = await peak(12);
  // MiB. Sizes of 127 and 438 MB; what differs is when the collector ran.
  expect(large - small).toBeLessThan(40);
  expect(large).toBeLessThan(200);
});
