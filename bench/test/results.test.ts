import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { FileError } from '@npu-llama/format';
import { mergeResults, readResults, writeResults } from '../src/results-file.js';
import { SAMPLE, section } from './support/sample-results.js';

const folder = mkdtempSync(join(tmpdir(), 'npu-llama-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('results are read as they were written', () => {
  const path = join(folder, 'results.json');
  writeResults(path, SAMPLE);
  expect(readResults(path)).toEqual(SAMPLE);
});

test.each([
  ['no JSON', '{', 'JSON'],
  ['another version', JSON.stringify({ ...SAMPLE, schemaVersion: 99 }), 'schemaVersion'],
  ['no machine', JSON.stringify({ ...SAMPLE, machine: {} }), 'machine.cpu'],
])('a file with %s is refused, and the message says where', (_what, text, where) => {
  const path = join(folder, 'bad.json');
  writeFileSync(path, text);
  expect(() => readResults(path)).toThrow(FileError);
  expect(() => readResults(path)).toThrow(where);
});

test('a file beyond 16 MiB and one that has no size are refused', () => {
  const path = join(folder, 'large.json');
  writeFileSync(path, '');
  truncateSync(path, (16 << 20) + 1);
  expect(() => readResults(path)).toThrow('is too large for a result of the bench: got 16777217 bytes');
  expect(() => readResults('/dev/null')).toThrow('is not a regular file');
});

describe('merging', () => {
  const order = ['load', 'decode', 'host'];

  test('takes the later section of a part and keeps the others, in the order of the parts', () => {
    const earlier = { ...SAMPLE, sections: [section('load', 1), section('decode', 1)] };
    const later = { ...SAMPLE, sections: [section('host', 2), section('load', 2)] };
    const { sections } = mergeResults(earlier, later, order);
    expect(sections.map(({ part, runs }) => [part, runs])).toEqual([
      ['load', 2],
      ['decode', 1],
      ['host', 2],
    ]);
  });
});
