import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { TemporaryFolder, TINY } from '../support/models.js';
import { writeHollowNpuFile } from '../support/npu-file.js';

const command = fileURLToPath(new URL('../../../bin/verify-npu.js', import.meta.url));
const folder = new TemporaryFolder();
beforeAll(() => {
  writeRandomCheckpoint(folder.file('model.bin'), { config: TINY });
  writeHollowNpuFile(folder.file('model.npu'), {
    config: TINY,
    sharedClassifier: true,
    sha256: '0'.repeat(64),
  });
  writeFileSync(folder.file('short.bin'), 'GGUF');
});
afterAll(() => folder[Symbol.dispose]());

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('verify-npu as a process', () => {
  test.each([
    ['no arguments', [], /no model given: wanted a \.npu file/],
    ['no reference', ['model.npu'], /no reference given: wanted --reference/],
    ['a reference without a name', ['model.npu', '--reference'], /Not enough arguments following: reference/],
    ['two models', ['a', 'b', '--reference', 'c'], /more than one model given: got a, b; a prompt needs -i/],
    ['an unknown option', ['a', '--reference', 'c', '--colour', '1'], /Unknown argument: colour/],
    [
      'an unknown device',
      ['a', '--reference', 'c', '--device', 'gpu'],
      /Given: "gpu", Choices: "auto", "rknpu", "sim"/,
    ],
    [
      'a device twice',
      ['a', '--reference', 'c', '--device', 'sim', '--device', 'auto'],
      /--device given 2 times/,
    ],
    [
      'a flag and its opposite',
      ['a', '--reference', 'c', '--checksums', '--no-checksums'],
      /--checksums given 2 times/,
    ],
    [
      'a report on standard output',
      ['a', '--reference', 'c', '-o', '-'],
      /-o - would write a file called "-"/,
    ],
    [
      'a node for the simulated device',
      ['a', '--reference', 'c', '--device', 'sim', '--device-path', 'd'],
      /leave one/,
    ],
    [
      'no number of positions',
      ['a', '--reference', 'c', '-n', 'many'],
      /-n is no number of positions: got "many"/,
    ],
    ['a negative one', ['a', '--reference', 'c', '-n=-3'], /-n is no number of positions: got "-3"/],
    ['half of one', ['a', '--reference', 'c', '-n', '1.5'], /-n is no number of positions: got "1\.5"/],
    [
      'a model that is not there',
      ['a', '--reference', 'model.bin'],
      /^verify-npu: a: cannot open: no such file/,
    ],
    [
      'a reference that is not there',
      ['model.npu', '--reference', 'c'],
      /^verify-npu: c: cannot open: no such file/,
    ],
    ['a folder', ['model.npu', '--reference', '.'], /^verify-npu: \.: is a folder/],
    ['a checkpoint as the model', ['model.bin', '--reference', 'model.bin'], /^verify-npu: model\.bin: /],
    ['the model as the checkpoint', ['model.npu', '--reference', 'model.npu'], /^verify-npu: model\.npu: /],
    ['a foreign file', ['model.npu', '--reference', 'short.bin'], /short\.bin: is a GGUF file/],
    [
      "another model's checkpoint",
      ['model.npu', '--reference', 'model.bin'],
      /was not made from this reference/,
    ],
  ])('%s: one line on stderr, status 2', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^verify-npu: [^\n]*\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('prompts without an end are refused at 16 MiB', () => {
    const { status, stderr } = spawnSync(
      '/bin/sh',
      ['-c', '"$0" "$1" model.npu --reference model.bin --prompts - </dev/zero', process.execPath, command],
      { cwd: folder.path, encoding: 'utf8' },
    );
    expect(stderr).toMatch(/^verify-npu: standard input: is too large for a prompt: [^\n]*\n$/);
    expect(status).toBe(2);
  });

  test.each(['--prompts', '--text'])('SIGTERM ends the wait for a pipe of %s', async option => {
    const pipe = folder.file(`${option}.pipe`);
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const args = [command, 'model.npu', '--reference', 'model.bin', option, pipe];
    const child = spawn(process.execPath, args, { cwd: folder.path, stdio: 'ignore' });
    const end = once(child, 'exit');
    // Opens once the command has opened its end.
    const writer = await open(pipe, 'w');
    try {
      child.kill('SIGTERM');
      expect(await end).toEqual([143, null]);
    } finally {
      child.kill('SIGKILL');
      await writer.close();
    }
  });

  test('--help and --version print and end with 0', () => {
    expect(run('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('--reference'),
    });
    expect(run('--version')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
