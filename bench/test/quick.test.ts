import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { PART_NAMES } from '../src/figures/index.js';
import { readResults } from '../src/results-file.js';

const COMMAND = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

describe('pnpm bench', () => {
  const folder = mkdtempSync(join(tmpdir(), 'npu-llama-bench-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [COMMAND, ...args], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    });

  test('--quick measures every part, prints a table, writes JSON, and leaves nothing else behind', () => {
    const json = join(folder, 'results.json');
    const { status, stdout, stderr } = run('--quick', '--json', json);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const { sections } = readResults(json);
    expect(sections.map(({ part }) => part)).toEqual(PART_NAMES);
    expect(stdout).toMatch(/^figure +value +beside/);
    expect(readdirSync(folder)).toEqual(['results.json']);

    // The stages of a token are its time, and none of the driver's is missing.
    const { budgets } = sections.find(({ part }) => part === 'host')!;
    expect(budgets).toHaveLength(2);
    for (const { stages } of budgets!) {
      const names = stages.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['submit', 'sync', 'attention', 'sampling', 'the rest']));
    }
    // A submit a matrix on any number of cores, every weight read once.
    const { counts } = sections.find(({ part }) => part === 'board')!;
    expect(counts!.map(({ cores, submits }) => [cores, submits])).toEqual([
      [1, 17],
      [2, 17],
      [3, 17],
    ]);
    expect(new Set(counts!.map(({ weightBytes }) => weightBytes)).size).toBe(1);
  });

  test.each([
    [['--only', 'typing'], 'no such part: got typing'],
    [['--runs', '0'], 'impossible number of runs: got 0'],
    [['--fast'], 'Unknown argument: fast'],
    [['--from', '/no/such.json'], '/no/such.json: cannot open'],
    [['--quick', '--only', 'load', '--checkpoint', '/no/such.bin'], '/no/such.bin: cannot open'],
  ])('%j ends with status 2 and a line', (args, message) => {
    const { status, stderr } = run(...args);
    expect(stderr).toContain(`bench: ${message}`);
    expect(status).toBe(2);
  });

  test('a board without an NPU ends with status 3 before anything is measured', () => {
    const { status, stderr } = run('--quick', '--device', 'rknpu', '--device-path', '/no/such/node');
    expect(stderr).toMatch(/^bench: .*\/no\/such\/node.*\n$/);
    expect(status).toBe(3);
  });

  test('--help says what there is and measures nothing', () => {
    const { status, stdout, stderr } = run('--help');
    for (const option of ['--llama2c', '--device', '--quick', '--json', '--write-docs'])
      expect(stdout).toContain(option);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
