import { spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { FileError } from '@npu-llama/format';
import { encodeReport, MAX_REPORT_BYTES, readReport } from '../../src/report/document.js';
import { reportJsonSchema, reportJsonSchemaText } from '../support/json-schema.js';
import { TemporaryFolder } from '../support/models.js';
import { errorReport, failingReport, SAMPLES } from '../support/report-samples.js';

const command = fileURLToPath(new URL('../../../bin/verify-npu.js', import.meta.url));

/** What readReport says to a file of this text. */
function refusal(text: string): string {
  using folder = new TemporaryFolder();
  const path = folder.file('report.json');
  writeFileSync(path, text);
  try {
    readReport(path);
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return (error as FileError).message.replace(path, 'report.json');
  }
  return 'no error';
}

/** The failing sample with another value (undefined: none) at a place such as `prompts.1.text`, as text. */
function changed(place: string, value: unknown): string {
  const document: unknown = JSON.parse(encodeReport(failingReport()));
  const keys = place.split('.');
  const parent = keys
    .slice(0, -1)
    .reduce((node, key) => (node as Record<string, unknown>)[key], document) as Record<string, unknown>;
  parent[keys.at(-1)!] = value;
  return JSON.stringify(document);
}

describe('the document', () => {
  test.each(Object.entries(SAMPLES))('comes back as it was written: %s', (_, sample) => {
    using folder = new TemporaryFolder();
    const path = folder.file('report.json');
    writeFileSync(path, encodeReport(sample()));
    expect(readReport(path)).toEqual(JSON.parse(encodeReport(sample())));
  });

  test('spells what JSON cannot', () => {
    const report = errorReport();
    report.runs[0]!.tokensPerSecond = {
      fp32: Number.NaN,
      fp16: Number.POSITIVE_INFINITY,
      npu: Number.NEGATIVE_INFINITY,
    };
    expect(JSON.parse(encodeReport(report)).runs[0].tokensPerSecond).toEqual({
      fp32: 'NaN',
      fp16: 'Infinity',
      npu: '-Infinity',
    });
  });

  test('has nothing that disturbs a terminal', () => {
    const report = failingReport();
    report.command = 'verify-npu \u009b2J\u007f\u202e\u2028';
    const text = encodeReport(report);
    expect(text).toContain('\\u009b2J\\u007f\\u202e\\u2028');
    expect(JSON.parse(text)).toMatchObject({ command: report.command });
  });

  test('is one line', () => {
    expect(encodeReport(SAMPLES.hostile())).not.toMatch(/[\r\n]/);
  });
});

describe('reading refuses, and says what and where:', () => {
  test('no file, a folder', () => {
    using folder = new TemporaryFolder();
    expect(() => readReport(folder.file('none.json'))).toThrow(
      /none\.json: cannot open: no such file.*ENOENT/,
    );
    expect(() => readReport(folder.path)).toThrow(/is a folder/);
  });

  test('a pipe that nobody writes to, without waiting for it', () => {
    using folder = new TemporaryFolder();
    const pipe = folder.file('pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    // In a process of its own: one that waits hears no signal but this.
    const merge = spawnSync(process.execPath, [command, 'merge', pipe], {
      encoding: 'utf8',
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    expect([merge.status, merge.stderr]).toEqual([2, expect.stringContaining('pipe: is not a regular file')]);
  });

  test('a file larger than any report, before it is read', () => {
    using folder = new TemporaryFolder();
    const path = folder.file('large.json');
    writeFileSync(path, '');
    // Sparse: no disk is used.
    expect(() => {
      truncateSync(path, MAX_REPORT_BYTES + 1);
      readReport(path);
    }).toThrow(/too large for a report: got 268435457 bytes, wanted at most 268435456/);
  });

  test('what is not JSON, with nothing of it that disturbs a terminal', () => {
    const message = refusal('{"a": \u001b[31m}');
    expect(message).toContain('is not JSON');
    expect(message).toContain('\\u001b');
    expect(message).not.toContain('\u001b');
  });

  test('JSON that is no report, or one of another version', () => {
    expect(refusal('null')).toContain('is no report of verify-npu: got no schemaVersion, wanted 2');
    expect(refusal('{}')).toContain('is no report of verify-npu');
    const golden = refusal('{"schemaVersion":1,"prompts":[]}');
    expect(golden).toContain('is no report of verify-npu: got a suite or a golden record');
    expect(refusal('{"schemaVersion":1}')).toContain('another version: got schemaVersion 1, wanted 2');
  });

  test.each([
    ['prompts.1.positions.2.token', -1, 'prompts[1].positions[2].token is wrong: got -1, wanted >=0'],
    ['prompts.0.text', undefined, 'prompts[0].text is wrong: got nothing, wanted "text"'],
    ['prompts', {}, 'prompts is wrong: got an object, wanted Array'],
    ['runs', [], 'runs is wrong: got a list, wanted >=1'],
    ['matrices.3.worst', 'much', 'matrices[3].worst is wrong: got "much", wanted'],
    ['model.headerSha256', '3A'.repeat(32), 'model.headerSha256 is wrong: got "3A'],
    ['verdict', '\u001b[31m', 'verdict is wrong: got "\\u001b[31m", wanted'],
    ['prompts.1.positions.100.failures.0.kind', 'odd', 'prompts[1].positions[100].failures[0].kind is wrong'],
    ['notes.1.run', 1, 'notes[1].run is wrong: got 1, wanted an index into 1 runs'],
    [
      'runs.0.startedAt',
      '2025-11-20T02:00:07+99:00',
      'runs[0].startedAt is wrong: got "2025-11-20T02:00:07+99:00"',
    ],
  ])('%s = %j', (place, value, message) => {
    expect(refusal(changed(place, value))).toContain(`report.json: ${message}`);
  });

  test('nothing for a field that a later version added', () => {
    expect(refusal(changed('later', 1))).toBe('no error');
  });
});

describe('the published schema', () => {
  // dist/test/report -> the repository
  const docs = new URL('../../../../../docs/', import.meta.url);

  test('is current (npx pnpm@12 report-schema writes it)', () => {
    expect(readFileSync(new URL('report.schema.json', docs), 'utf8')).toBe(reportJsonSchemaText());
  });

  test('has every field explained in docs/verify-report.md', () => {
    const text = readFileSync(new URL('verify-report.md', docs), 'utf8');
    const missing = [...fieldsOf(reportJsonSchema())].filter(
      field => !new RegExp(`\`[\\w.[\\]]*\\b${field}\\b`).test(text),
    );
    expect(missing).toEqual([]);
  });
});

/** The names of all properties, however deep. */
function fieldsOf(schema: unknown): Set<string> {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
      visit(value);
    }
  };
  visit(schema);
  return names;
}
