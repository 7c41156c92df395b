import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { mergeReports } from '../../src/report/merge-reports.js';
import type { RunReport, VerifyReport } from '../../src/report/schema.js';
import { summarise } from '../../src/report/summary.js';
import {
  buildDiagnosis,
  buildMatrices,
  buildPrompt,
  buildReport,
  buildRun,
} from '../support/report-builder.js';
import { errorReport, failingReport, passingReport } from '../support/report-samples.js';

function board(host: string, parts: Partial<VerifyReport> = {}, run: Partial<RunReport> = {}): VerifyReport {
  return buildReport({
    prompts: [buildPrompt({ count: 2 })],
    ...parts,
    runs: [buildRun({ machine: { ...buildRun().machine, host }, ...run })],
  });
}

function merge(...reports: VerifyReport[]): VerifyReport {
  return mergeReports(reports.map((report, i) => ({ path: `${'abcdef'[i]}.json`, report })));
}

const shard = (index: number, count: number) => ({ shard: { index, count } });

describe('merging', () => {
  test('puts runs side by side, and prompts by number, then by run', () => {
    const one = board('one', {
      prompts: [buildPrompt({ number: 1, count: 2 }), buildPrompt({ number: 3, count: 2 })],
    });
    const two = board('two', {
      prompts: [buildPrompt({ number: 3, count: 2 }), buildPrompt({ number: 2, count: 2 })],
    });
    const merged = merge(one, two);
    expect(merged.runs.map(({ machine }) => machine.host)).toEqual(['one', 'two']);
    expect(merged.prompts.map(({ number, run }) => [number, run])).toEqual([
      [1, 0],
      [2, 1],
      [3, 0],
      [3, 1],
    ]);
    expect(merged.summary).toEqual(summarise(merged.prompts));
    expect(merged.command).toBe('verify-npu merge a.json b.json');
  });

  test('counts the runs of every part on, also those of reports that were merged before', () => {
    const parts = {
      matrices: buildMatrices().slice(0, 1),
      diagnoses: [buildDiagnosis()],
      stability: failingReport().stability,
      notes: failingReport().notes.slice(0, 1),
    };
    const both = merge(merge(board('one', parts), board('two', parts)), board('three', parts));
    for (const part of ['matrices', 'diagnoses', 'stability', 'notes'] as const) {
      expect(both[part].map(({ run }) => run)).toEqual([0, 1, 2]);
    }
  });

  test('leaves the reports that it was given as they were', () => {
    const reports = [board('one'), board('two')];
    const before = structuredClone(reports);
    merge(...reports);
    expect(reports).toEqual(before);
  });

  test('has the worst verdict', () => {
    const failing = { ...failingReport(), runs: board('two').runs };
    const error = { ...errorReport(), runs: board('three').runs };
    expect(merge(board('one'), board('two')).verdict).toBe('pass');
    expect(merge(board('one'), failing).verdict).toBe('fail');
    expect(merge(board('one'), failing, error).verdict).toBe('error');
  });

  test('of one report is that report', () => {
    const report = passingReport();
    expect(mergeReports([{ path: 'a b.json', report }])).toEqual({
      ...report,
      command: "verify-npu merge 'a b.json'",
    });
  });

  test('takes every division of the work in which each shard ran', () => {
    const whole = board('four');
    expect(merge(board('one', {}, shard(1, 2)), board('two', {}, shard(2, 2))).runs).toHaveLength(2);
    expect(
      merge(board('one', {}, shard(2, 2)), board('two', {}, shard(2, 2)), board('three', {}, shard(1, 2)))
        .runs,
    ).toHaveLength(3);
    expect(merge(board('one', {}, shard(2, 2)), whole).runs).toHaveLength(2);
  });
});

describe('merging refuses', () => {
  const refusal = (...reports: VerifyReport[]): string => {
    try {
      merge(...reports);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return (error as Error).message;
    }
    return 'no error';
  };
  const one = board('one');

  test('nothing', () => {
    expect(refusal()).toContain('nothing to merge');
  });

  test.each([
    ['model (SHA-256 of its header)', { model: { ...one.model, headerSha256: 'ff'.repeat(32) } }],
    [
      'checkpoint that the model was made from',
      { model: { ...one.model, source: { ...one.model.source, sha256: 'ff'.repeat(32) } } },
    ],
    ['suite', { suite: { name: 'tales', sha256: 'ff'.repeat(32) } }],
    ['reference', { reference: { kind: 'golden', path: 'g.json', sha256: 'c0'.repeat(32) } }],
    ['reference (SHA-256)', { reference: { kind: 'checkpoint', path: 'b.bin', sha256: 'ff'.repeat(32) } }],
    ['tolerances', { tolerances: { ...one.tolerances, step: 1 } }],
    ['choice whether accuracy counts', { accuracyCounts: true }],
    ['verify-npu', { tool: { name: 'verify-npu', version: '9.9.9' } }],
  ] satisfies [string, Partial<VerifyReport>][])('another %s, naming both files', (what, parts) => {
    expect(refusal(one, board('two', parts))).toContain(`a.json and b.json are not of the same ${what}`);
  });

  test('nothing for other paths, or fields in another order', () => {
    const { step, product, fp16, fp32 } = one.tolerances;
    const two = board('two', {
      model: { ...one.model, path: '/elsewhere/tales.npu' },
      reference: { kind: 'checkpoint', path: '/elsewhere/tales.bin', sha256: 'c0'.repeat(32) },
      tolerances: { step, product, fp16, fp32 },
    });
    expect(refusal(one, two)).toBe('no error');
  });

  test('a shard that nobody ran, naming those that are there', () => {
    expect(refusal(board('one', {}, shard(1, 3)), board('two', {}, shard(3, 3)))).toBe(
      'no report of shard 2/3: got a.json (1/3), b.json (3/3); merge the reports of every shard',
    );
  });

  test('shards of two divisions, and one that cannot be', () => {
    expect(refusal(board('one', {}, shard(1, 2)), board('two', {}, shard(2, 3)))).toContain(
      'b.json is of another division into shards than a.json: got shard 2/3, wanted one of 1/2 to 2/2',
    );
    expect(refusal(board('one', {}, shard(0, 2)))).toContain('got shard 0/2');
  });

  test('a count of shards beyond all bounds without trying them all', () => {
    expect(refusal(board('one', {}, shard(1, Number.MAX_SAFE_INTEGER)))).toContain(
      'no report of shard 2/9007199254740991',
    );
  });

  test('one run in two files', () => {
    expect(refusal(one, one)).toContain('b.json has a run that a.json has too: got one at');
  });
});
