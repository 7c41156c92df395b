import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { talesFixture } from '@npu-llama/fixtures';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { endlessModel, talesModel, talesWithoutTokenizer } from './support/models.js';
import { expectSuccess, RUN_NPU, type RunSettings, runNode, runNpu } from './support/run-npu.js';

// What does not depend on how the device is reached; the rest is in run-npu.device.test.ts.
describe('run-npu', () => {
  const folder = new TemporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  let tales = '';
  let bare = '';
  let endless = '';
  beforeAll(async () => {
    tales = await talesModel(folder);
    bare = await talesWithoutTokenizer(folder);
    endless = await endlessModel(folder);
  });

  const run = (args: readonly string[], settings?: RunSettings) =>
    runNpu([tales, '--device', 'sim', ...args], settings);
  const textOf = async (...args: string[]): Promise<string> => expectSuccess(await run(args));

  describe('text', () => {
    test('stands on stdout and ends with a newline; its speed, and nothing else, stands on stderr', async () => {
      const outcome = await run(['-t', '0']);
      expect(expectSuccess(outcome)).toMatch(/^[A-Z][\s\S]{100,}\n$/);
      expect(outcome.stderr).toMatch(/^achieved tok\/s: \d+\.\d{6}\n$/);
    });

    test('goes on from -i, of which it is the beginning', async () => {
      const prompt = 'Tom the "brave" fox';
      expect(await textOf('-t', '0', '-n', '30', '-i', prompt)).toMatch(new RegExp(`^${prompt}.+\n$`));
    });

    test.each(['-', '-x', '--help', '-t 0', '- "No," he said'])(
      'goes on from %j, dash or not',
      async prompt => {
        expect((await textOf('-t', '0', '-n', '20', '-i', prompt)).startsWith(prompt)).toBe(true);
      },
    );

    test('goes on from what is not in the vocabulary, and an empty -i is none', async () => {
      // Its bytes are tokens of their own, which run.c does not print.
      expect(await textOf('-t', '0', '-n', '8', '-i', 'a🦊b')).toMatch(/^ab./);
      expect(await textOf('-t', '0', '-n', '8', '-i', '')).toBe(await textOf('-t', '0', '-n', '8'));
    });

    test('of the same seed is the same, and of another one another', async () => {
      const [one, same, other, whole] = await Promise.all([
        textOf('-s', '7'),
        textOf('-s', '7'),
        textOf('-s', '8'),
        textOf('-s', '7', '-p', '1'),
      ]);
      expect(same).toBe(one);
      expect(other).not.toBe(one);
      expect(whole).not.toBe(one);
    });

    test('is that of -t 0 with a temperature close to it, and with a top-p close to 0', async () => {
      const [likeliest, cold, narrow] = await Promise.all([
        textOf('-t', '0', '-n', '40'),
        textOf('-t', '0.0001', '-n', '40', '-s', '3'),
        textOf('-p', '0.0000001', '-n', '40', '-s', '3'),
      ]);
      expect(cold).toBe(likeliest);
      expect(narrow).toBe(likeliest);
    });

    test('of -n is as many tokens long; of one there is no speed to tell', async () => {
      const [one, two, many] = await Promise.all(['1', '2', '9'].map(steps => run(['-t', '0', '-n', steps])));
      const [first, second, all] = [one!, two!, many!].map(outcome =>
        expectSuccess(outcome).slice(0, -1),
      ) as [string, string, string];
      expect(first.length).toBeGreaterThan(0);
      expect([second.startsWith(first), second.length > first.length]).toEqual([true, true]);
      expect([all.startsWith(second), all.length > second.length]).toEqual([true, true]);
      expect(one!.stderr).toBe('');
      expect(two!.stderr).toMatch(/^achieved/);
    });

    test("of -n 0 goes to the model's seq_len; of more than that it does so too, and says so", async () => {
      // Of the prompt's tokens alone, so that BOS does not come first.
      const prompt = 'Tom and Ben went on. '.repeat(60);
      const [most, more] = await Promise.all(['0', '300'].map(n => run(['-n', n, '--json', '-i', prompt])));
      const [a, b] = [most!, more!].map(outcome => JSON.parse(expectSuccess(outcome)));
      expect(a.tokens).toHaveLength(257);
      expect(a.tokens).toEqual(b.tokens);
      const cut = 'run-npu: the prompt has 482 tokens and only 256 positions are run: it is cut, see -n\n';
      expect(most!.stderr).toBe(cut);
      expect(more!.stderr).toBe(`run-npu: -n 300 is more than the model's seq_len; running 256\n${cut}`);
    });

    test('of a prompt longer than -n is its beginning', async () => {
      const prompt = 'Once upon a time, there was';
      const begun = (await textOf('-n', '3', '-i', prompt)).slice(0, -1);
      expect([prompt.startsWith(begun), begun.length < prompt.length]).toEqual([true, true]);
    });
  });

  describe('-z', () => {
    test('is the tokenizer of a model without one', async () => {
      const args = [bare, '--device', 'sim', '-t', '0', '-n', '20', '-z', talesFixture.tokenizer];
      expect(expectSuccess(await runNpu(args))).toBe(await textOf('-t', '0', '-n', '20'));
    });
  });

  describe('--json', () => {
    test('has null for what one token does not tell', async () => {
      const { statistics } = JSON.parse(await textOf('-n', '1', '--json'));
      expect(statistics).toMatchObject({
        generatedTokens: 1,
        tokensPerSecond: null,
        deviceMsPerToken: null,
        hostMsPerToken: null,
        submitsPerToken: null,
        bytesCopiedPerToken: null,
      });
    });
  });

  describe('--stats', () => {
    test.each([
      [['--cores', '1'], '1 cores, 1 row a job'],
      [['--rows', '4'], '3 cores, 4 rows a job'],
    ])('of %j says so, and the text is the same', async (args, device) => {
      const outcome = await run(['-t', '0', '-n', '10', '--stats', ...args]);
      expect(expectSuccess(outcome)).toBe(await textOf('-t', '0', '-n', '10'));
      expect(outcome.stderr).toContain(device);
    });
  });

  describe('the chat', () => {
    const chat = (args: readonly string[], input: string) =>
      run(['-m', 'chat', '-s', '3', '-n', '60', ...args], { input });

    test('asks for what it was not told, and the same lines get the same answers', async () => {
      const asked = await chat([], 'Be kind.\nHello\n');
      const told = await chat(['-y', 'Be kind.', '-i', 'Hello'], '');
      expect(expectSuccess(asked)).toMatch(/^Enter system prompt \(optional\): User: Assistant: .+\n$/);
      expect(asked.stdout).toBe(`Enter system prompt (optional): User: ${expectSuccess(told)}`);
      expect(asked.stderr).toMatch(/^achieved tok\/s: \d/);
    });

    test('ends with its input', async () => {
      expect(expectSuccess(await chat([], ''))).toBe('Enter system prompt (optional): User: \n');
      expect(expectSuccess(await chat(['-y', ''], ''))).toBe('User: \n');
    });
  });

  describe('an end from outside', () => {
    test.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('%s in the middle of a text ends the line and gives status %d', async (signal, status) => {
      const outcome = await runNpu([endless, '--device', 'sim', '-t', '0', '-n', '0'], {
        onOutput: child => child.kill(signal),
      });
      expect(outcome).toMatchObject({ status, stderr: '' });
      expect(outcome.stdout.endsWith('\n')).toBe(true);
    });

    test('SIGINT while a chat waits for its user does the same', async () => {
      const child = spawn(process.execPath, [RUN_NPU, tales, '--device', 'sim', '-m', 'chat'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.once('data', () => child.kill('SIGINT'));
      child.stdout.on('data', (bytes: Buffer) => {
        stdout += bytes;
      });
      child.stderr.on('data', (bytes: Buffer) => {
        stderr += bytes;
      });
      const status = await new Promise(resolve => child.once('close', resolve));
      expect({ status, stdout, stderr }).toEqual({
        status: 130,
        stdout: 'Enter system prompt (optional): \n',
        stderr: '',
      });
    });

    test('SIGINT while the device hangs in its start-up check ends it with the job under way', async () => {
      // Comes at the first turn of the event loop behind a job: the device says each one that fails.
      const interrupted = `
        const later = globalThis.setImmediate;
        globalThis.setImmediate = (...args) => {
          globalThis.setImmediate = later;
          process.kill(process.pid, 'SIGINT');
          return later(...args);
        };`;
      const preload = `data:text/javascript,${encodeURIComponent(interrupted)}`;
      const { status, stderr } = await runNode(
        ['--import', preload, RUN_NPU, tales, '--device', 'sim', '-n', '1'],
        { env: { NPU_SIM: 'submit@1-=timeout' } },
      );
      expect({ status, jobs: stderr.match(/injected fault: submit/g)?.length }).toEqual({
        status: 130,
        jobs: 1,
      });
    });

    test('a reader that has seen enough ends it quietly', async () => {
      const command = `"$0" "$@" | head -c 20; echo " \${PIPESTATUS[0]}"`;
      const child = spawn(
        'bash',
        ['-c', command, process.execPath, RUN_NPU, endless, '--device', 'sim', '-t', '0', '-n', '0'],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => {
        stdout += bytes;
      });
      child.stderr.on('data', (bytes: Buffer) => {
        stderr += bytes;
      });
      await new Promise(resolve => child.once('close', resolve));
      expect(stderr).toBe('');
      expect(stdout.slice(20)).toBe(' 0\n');
    });
  });
});
