import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeDevice, describeOneAdapter } from '@npu-llama/fixtures';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { talesModel } from './support/models.js';
import {
  expectFailure,
  expectSuccess,
  NPU_SIM,
  ownLines,
  RUN_NPU,
  type RunSettings,
  runNode,
  runNpu,
} from './support/run-npu.js';

const BOARD = '/proc/device-tree/compatible';
const onBoard = existsSync(BOARD) && readFileSync(BOARD, 'latin1').includes('rk3588');

describeDevice('run-npu', () => {
  const folder = new TemporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  let tales = '';
  beforeAll(async () => {
    tales = await talesModel(folder);
  });

  const run = (args: readonly string[], settings?: RunSettings) =>
    runNpu([tales, '--device', 'sim', ...args], settings);
  const texts = new Map<string, Promise<string>>();
  /** What stands on stdout with these arguments, where nothing fails. */
  const textOf = (...args: string[]): Promise<string> => {
    const key = JSON.stringify(args);
    const text = texts.get(key) ?? run(args).then(expectSuccess);
    texts.set(key, text);
    return text;
  };

  describe('--json', () => {
    test('is one object with text, tokens and statistics, and the text is what would have been printed', async () => {
      const args = ['-i', 'Tom', '-t', '0', '-n', '12'];
      const outcome = await run([...args, '--json']);
      const { text, tokens, statistics, ...more } = JSON.parse(expectSuccess(outcome));
      expect(outcome.stderr).toBe('');
      expect(more).toEqual({});
      expect(`${text}\n`).toBe(await textOf(...args));
      expect(tokens).toHaveLength(13);
      expect(tokens[0]).toBe(1);
      const number = expect.any(Number);
      expect(statistics).toEqual({
        device: expect.stringMatching(/^simulated RK3588 NPU, rknpu 0\.9\.8, 3 cores, 1 row a job$/),
        ffi: process.env['NPU_FFI'],
        dmaBytes: number,
        loadMs: number,
        promptTokens: expect.any(Number),
        promptMs: number,
        generatedTokens: 13 - statistics.promptTokens,
        tokensPerSecond: number,
        deviceMsPerToken: number,
        hostMsPerToken: number,
        submitsPerToken: 17,
        bytesCopiedPerToken: number,
        submits: number,
      });
    });
  });

  describe('--stats', () => {
    test('says on stderr what it took', async () => {
      const outcome = await run(['-t', '0', '-n', '10', '--stats']);
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '10'));
      const [speed, ...lines] = outcome.stderr.trimEnd().split('\n');
      expect(speed).toMatch(/^achieved tok\/s: /);
      const values = lines.map(line => [line.slice(0, 12).trimEnd(), line.slice(13)]);
      expect(Object.fromEntries(values)).toEqual({
        device: expect.stringMatching(/^simulated RK3588 NPU, .*3 cores, 1 row a job$/),
        FFI: process.env['NPU_FFI'],
        'DMA memory': expect.stringMatching(/^\d+\.\d MiB$/),
        load: expect.stringMatching(/^\d+ ms$/),
        prompt: expect.stringMatching(/^1 tokens in \d+\.\d ms$/),
        generated: expect.stringMatching(/^10 tokens, \d+\.\d\d tok\/s$/),
        'device time': expect.stringMatching(/^\d+\.\d{3} ms a token$/),
        'host time': expect.stringMatching(/^\d+\.\d{3} ms a token$/),
        submits: '17 a token, 170 in all',
        copied: expect.stringMatching(/^\d+ bytes a token to and from DMA memory$/),
      });
    });
  });

  describeOneAdapter('a device that fails', () => {
    const planned = (plan: string, ...args: string[]) =>
      run(['-n', '4', ...args], { env: { NPU_SIM: plan } });

    test.each(['ENOMEM', 'EFAULT'])('%s for DMA memory: sizes, what is left, and what helps', async errno => {
      const outcome = await planned(`alloc@9=${errno}`);
      expectFailure(
        outcome,
        3,
        'the driver refused ',
        ' of DMA memory for weights of layers.',
        `RKNPU_MEM_CREATE: `,
        `(${errno})`,
        ' in all in use by this process',
        'the 4 GiB window has at most ',
        'simulate a device with more (NPU_SIM=cma=512M)',
      );
      expect(outcome.stdout).toBe('');
    });

    test.each([
      ['map', 'RKNPU_MEM_MAP'],
      ['mmap', 'mmap'],
    ])('no room for a mapping (%s)', async (call, named) => {
      expectFailure(await planned(`${call}@9=ENOMEM`), 3, 'the driver refused', named, '(ENOMEM)');
    });

    test('a plan that cannot be read is wrong usage', async () => {
      const { status, stdout, stderr } = await planned('cores=9');
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toContain('npu-sim: bad plan item "cores=9": wanted 1 to 3\n');
      expect(stderr).toContain('run-npu: cannot simulate what NPU_SIM says: got "cores=9"; ');
    });

    test('a planned EINVAL of opening is the device, not the plan', async () => {
      expectFailure(await planned('open@1=EINVAL'), 3, 'cannot open the simulated device: ', '(EINVAL)');
    });

    test('a job that times out at the start', async () => {
      const outcome = await planned('dead-core=1');
      expectFailure(
        outcome,
        3,
        'RKNPU_SUBMIT timed out after 2000 ms: start-up check',
        'the device needs a reset',
      );
    });

    test('a job that times out in the middle of the text, whose line ends first', async () => {
      const outcome = await planned('submit@30=timeout', '-t', '0');
      expectFailure(outcome, 3, 'RKNPU_SUBMIT timed out', ': layers.', ' with 1 row, 0 of 3 tasks done');
      expect(outcome.stdout).toBe(await textOf('-t', '0', '-n', '1'));
    });

    test.each([
      ['that goes away', 'gone@30', '(ENODEV)'],
      ['whose memory cannot be freed behind a failed job', 'submit@30=EIO,destroy@10=EIO', 'RKNPU_SUBMIT'],
      ['that gives up a sync', 'sync@30=EIO', '(EIO)'],
    ])('a device %s: the first error, in one line', async (_, plan, part) => {
      expectFailure(await planned(plan), 3, part);
    });

    test('a device whose memory cannot be freed behind the text', async () => {
      const outcome = await planned('destroy@20=EIO');
      expect(outcome.status).toBe(3);
      expect(ownLines(outcome)).toEqual([
        expect.stringMatching(/^achieved tok\/s: /),
        expect.stringMatching(
          /^run-npu: cannot free .*\(EIO\); the kernel frees it .*; to look into it: .*npu-doctor .* --device sim$/,
        ),
      ]);
    });

    test('a device that computes wrong', async () => {
      expectFailure(await planned('zero-core=1'), 1, 'the NPU computes a known product wrong');
    });

    test('a device that needs 4 rows is not one that fails: the text is the same', async () => {
      const outcome = await planned('short-heights', '-t', '0', '--stats');
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '4'));
      expect(outcome.stderr).toContain('4 rows a job');
    });

    test('calls that signals interrupt are made again', async () => {
      const outcome = await planned('submit@30=EINTR,sync@31=EINTR,alloc@9=EINTR', '-t', '0');
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '4'));
    });
  });

  describe('--device rknpu', () => {
    const real = (...args: string[]) => runNpu([tales, '--device', 'rknpu', '-n', '4', ...args]);

    (onBoard ? test.skip : test)('without an NPU (skipped: this is an RK3588)', async () => {
      expectFailure(await real(), 3);
    });

    test('at a path that is no NPU', async () => {
      expectFailure(
        await real('--device-path', '/dev/null'),
        3,
        'cannot use /dev/null as an NPU',
        'docs/board-setup.md',
      );
      expectFailure(await real('--device-path', folder.file('none')), 3, '(ENOENT)');
    });

    (onBoard ? test.skip : test)(
      'auto takes the simulated one, and says so (skipped: this is an RK3588)',
      async () => {
        const outcome = await runNpu([tales, '-t', '0', '-n', '4']);
        expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '4'));
        expect(ownLines(outcome)[0]).toMatch(/^run-npu: .*; using the simulated NPU$/);
      },
    );

    describe('under npu-sim', () => {
      const preloaded = (...args: string[]) =>
        runNode([NPU_SIM, '--stats', process.execPath, RUN_NPU, tales, ...args]);
      const counter = (stderr: string, name: string): string | undefined =>
        new RegExp(`^npu-sim: +${name} +(\\d+)$`, 'm').exec(stderr)?.[1];

      test.each([
        ['--device', 'rknpu', '--device-path', '/dev/dri/card1'],
        ['--device', 'rknpu'],
        ['--device', 'auto'],
      ])('%s %s gives the same bytes as --device sim, and leaves nothing behind', async (...device) => {
        const outcome = await preloaded(...device, '-s', '5', '-n', '60', '--stats');
        expect(expectSuccess(outcome)).toBe(await textOf('-s', '5', '-n', '60'));
        expect(outcome.stderr).toContain('device       RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores');
        expect(outcome.stderr).not.toContain('simulated');
        const names = ['leaked_buffers', 'live_buffers', 'live_mappings', 'refusals'];
        expect(names.map(name => [name, counter(outcome.stderr, name)])).toEqual(
          names.map(name => [name, '0']),
        );
        expect(Number(counter(outcome.stderr, 'submits'))).toBeGreaterThan(17 * 50);
      });
    });
  });

  describeOneAdapter('seeing inside', () => {
    test('NPU_TRACE=1 shows every call to the driver on stderr, decoded, with what it gave and took', async () => {
      const outcome = await run(['-t', '0', '-n', '2'], { env: { NPU_TRACE: '1' } });
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '2'));
      const lines = ownLines(outcome).filter(line => line.startsWith('npu: '));
      expect(lines.filter(line => !/^npu: .+ -> .+ \(\d+ us\)$/.test(line))).toEqual([]);
      const count = (call: string): number => lines.filter(line => line.startsWith(`npu: ${call} `)).length;
      expect([count('open'), count('close')]).toEqual([1, 1]);
      // The start-up check's two jobs, and two tokens'.
      expect(count('RKNPU_SUBMIT')).toBe(2 + 2 * 17);
      expect(count('RKNPU_MEM_CREATE')).toBeGreaterThan(20);
      expect(count('RKNPU_MEM_DESTROY')).toBe(count('RKNPU_MEM_CREATE'));
      expect(count('munmap')).toBe(count('mmap'));
      expect(lines.find(line => line.startsWith('npu: RKNPU_SUBMIT'))).toContain('core_mask=7');
    });

    test('NPU_DUMP=layers.0.wo shows the programs of that matrix on stderr, disassembled', async () => {
      const outcome = await run(['-t', '0', '-n', '2'], { env: { NPU_DUMP: 'layers.0.wo' } });
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '2'));
      const titles = ownLines(outcome).filter(line => line.startsWith('npu: program of '));
      // 96 outputs on three cores, for 1 row and for the batches of a prompt.
      expect(titles[0]).toBe('npu: program of layers.0.wo, 1 row(s), outputs 0 to 31');
      expect(titles.filter(title => !title.startsWith('npu: program of layers.0.wo, '))).toEqual([]);
      expect(titles.length % 3).toBe(0);
      expect(outcome.stderr).toContain('CNA');
    });

    test('NPU_DUMP that names no matrix is refused, with their names', async () => {
      const outcome = await run(['-t', '0', '-n', '1'], { env: { NPU_DUMP: 'layers.9.wo' } });
      expectFailure(
        outcome,
        2,
        `NPU_DUMP names no matrix of ${tales}: got layers.9.wo, wanted layers.<0 to 3>.wqkv, layers.<0 to 3>.wo, `,
        'layers.<0 to 3>.w2, classifier',
      );
    });

    test('neither shows anything where it is empty', async () => {
      const outcome = await run(['-t', '0', '-n', '1'], { env: { NPU_DUMP: '', NPU_TRACE: '' } });
      expect(outcome).toEqual({ status: 0, stdout: await textOf('-t', '0', '-n', '1'), stderr: '' });
    });
  });
});
