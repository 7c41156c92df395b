import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const ROOT = new URL('../../../', import.meta.url);

function help([script, ...args]: readonly string[], columns: number): string[] {
  const path = fileURLToPath(new URL(script!, ROOT));
  const env = { ...process.env, COLUMNS: String(columns) };
  const { status, stdout } = spawnSync(process.execPath, [path, ...args, '--help'], {
    encoding: 'utf8',
    env,
  });
  expect(status).toBe(0);
  return stdout.split('\n');
}

const words = (lines: readonly string[]): string[] => lines.join('\n').split(/\s+/).sort();

const VERIFY = 'packages/verify/bin/verify-npu.js';
const CONVERT = 'packages/converter/bin/convert-weights.js';

test.each([
  [[CONVERT]],
  [[CONVERT, 'inspect']],
  [['packages/runtime/bin/run-npu.js']],
  [['packages/runtime/bin/npu-doctor.js']],
  [[VERIFY]],
  [[VERIFY, 'record']],
  [[VERIFY, 'check']],
  [[VERIFY, 'merge']],
  [['packages/simulator/bin/npu-sim.js']],
  [['fuzz/dist/src/cli/fuzz.js']],
  [['fuzz/dist/src/cli/interrupts.js']],
  [['soak/dist/src/cli/soak.js']],
  [['bench/dist/src/cli/main.js']],
  [['fixtures/dist/src/cli/make-checkpoint.js']],
])('%j --help fits 80 columns, and breaks no word there', command => {
  const narrow = help(command, 80);
  expect(narrow.filter(line => line.length > 80)).toEqual([]);
  expect(words(narrow)).toEqual(words(help(command, 110)));
  // yargs leaves no space where a description just fits.
  expect(
    narrow.filter(line => /\S\[(string|number|boolean|array|choices|default|required)\b/.test(line)),
  ).toEqual([]);
});
