import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Inputs, interrupt, makeInputs, SUBJECTS, stateOf, terminalProblem } from '../src/index.js';
import { hasTerminals } from '../src/interrupts/run-to-end.js';

/** A command: over all of them 52 of SIGINT and SIGTERM, and 13 of SIGHUP. `pnpm interrupts` sends 50 to each. */
const SIGNALS = 5;

let folder: string;
let inputs: Inputs;
let before: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'npu-interrupts-'));
  const made = join(folder, 'inputs');
  mkdirSync(made);
  inputs = await makeInputs(made, 'stories15M');
  before = stateOf(inputs);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a signal at any moment leaves no half file, no device memory and the terminal as it was', () => {
  test.each(SUBJECTS.map(subject => [subject.name, subject] as const))('%s', async (name, subject) => {
    if (subject.onTerminal === true && !hasTerminals()) {
      process.stderr.write(`skipped: ${name} needs script (util-linux)\n`);
      return;
    }
    const result = await interrupt({ subject, inputs, folder, count: SIGNALS, seed: 1, how: 'interrupt' });
    expect(result.findings).toEqual([]);
    expect(result.sent).toBeGreaterThan(0);
  });
});

describe('kill -9 at any moment leaves no half file under the name', () => {
  test.each(
    SUBJECTS.filter(({ name }) => /^convert-weights( --force)?$/.test(name)).map(
      subject => [subject.name, subject] as const,
    ),
  )('%s', async (_, subject) => {
    const result = await interrupt({ subject, inputs, folder, count: SIGNALS, seed: 2, how: 'kill' });
    expect(result.findings).toEqual([]);
  });
});

test('none of it changes a file that is only read', () => {
  expect(stateOf(inputs)).toBe(before);
});

test.each([
  ['text\r\n', undefined],
  ['\u001b[?25lbar\u001b[1G\u001b[0K\u001b[?25h', undefined],
  ['\u001b[?25lbar\u001b[1G\u001b[0K', 'the cursor is hidden'],
  ['\u001b[?7lbar\r\n', 'long lines do not wrap'],
  ['half a line', 'the line is not ended: "half a line"'],
])('a terminal after %j: %s', (output, problem) => {
  expect(terminalProblem(output)).toBe(problem);
});
