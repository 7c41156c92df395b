import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

function run(command: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`../src/cli/${command}.js`, import.meta.url));
  return spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
}

describe('what would try nothing, and so find nothing, is refused', () => {
  test.each([
    ['fuzz', '--inputs', 'abc', 'impossible --inputs: got NaN, wanted a whole number from 1 on'],
    ['fuzz', '--inputs', '0', 'impossible --inputs: got 0'],
    ['fuzz', '--seed', 'x', 'impossible --seed: got NaN'],
    ['fuzz', '--only', '1.5', 'impossible --only: got 1.5'],
    ['fuzz', '--target', 'readers', 'unknown --target: got readers, wanted checkpoint, tokenizer, '],
    ['interrupts', '--signals', '0', 'impossible --signals: got 0, wanted a whole number from 1 on'],
    [
      'interrupts',
      '--only',
      'walk-npu',
      'no command is called so: got --only walk-npu, wanted a part of one of',
    ],
  ])('%s %s %s', (command, option, value, message) => {
    const { status, stdout, stderr } = run(command, option, value);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${command}: ${message}`);
  });
});

test.each([
  ['fuzz', '--seed'],
  ['interrupts', '--signals'],
])('%s refuses %s twice', (command, option) => {
  const { status, stdout, stderr } = run(command, option, '1', option, '2');
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: `${command}: ${option} given 2 times: wanted once\n`,
  });
});

test.each([
  ['fuzz', 'no reader\nshould end with, a crash or a hang.\n'],
  ['interrupts', 'and looks\nat what is left.\n'],
])('%s --help cuts no word', (command, text) => {
  expect(run(command, '--help').stdout).toContain(text);
});
