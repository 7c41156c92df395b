import { describe, expect, test } from '@jest/globals';
import { LISTED_POSITIONS, promptReportLines, reportLines } from '../../src/report/report-lines.js';
import type { PromptReport } from '../../src/report/schema.js';
import { failureText } from '../../src/report/words.js';
import { buildPrompt, buildReport } from '../support/report-builder.js';
import {
  damagedReport,
  errorReport,
  failingReport,
  freeReport,
  mergedReport,
  passingReport,
  SAMPLES,
  sweepReport,
} from '../support/report-samples.js';

const DEVICE_FAULTS = { accuracyCounts: false };

describe('lines', () => {
  test('of a report that fails for nothing, which no run of ours writes: says so', () => {
    expect(reportLines({ ...passingReport(), verdict: 'fail' }).at(-1)).toBe(
      'FAIL: the report says so, and holds nothing that failed',
    );
  });

  test('of a report that passes: a line for each prompt, stability, the figures, the verdict last', () => {
    const lines = reportLines(passingReport());
    expect(lines[0]).toMatch(
      /^prompt 1 "story 1": 256 positions, 0 failing; FP16-aware RMS \S+, KL at most \S+; FP32 RMS \S+, KL at most \S+$/,
    );
    expect(lines[3]).toBe('stability: 3 runs in 184.2 s, all the same bit by bit');
    const table = lines.slice(4, -1);
    expect(table.map(line => line.split('  ')[0])).toEqual([
      'at prompt:position',
      'tokens that differ',
      'tokens as good',
      'RMS error, mean',
      'RMS error, worst',
      'KL, mean',
      'KL, worst',
      'largest |dlogit|',
      'least cosine',
      'perplexity',
      'device',
      'speed',
    ]);
    expect(table).toContainEqual(expect.stringMatching(/^RMS error, worst +\S+ at 1:\d+ +\S+ at 1:\d+$/));
    expect(table).toContainEqual(
      expect.stringMatching(/^perplexity +FP32 4\.1000, FP16-aware 4\.1004, NPU 4\.1005$/),
    );
    expect(table.at(-1)).toMatch(
      /^speed +FP32 reference 9\.1 tok\/s, FP16-aware 8\.7 tok\/s, NPU 22\.4 tok\/s$/,
    );
    expect(lines.at(-1)).toBe(
      'PASS: 385 positions of 3 prompts within every tolerance; every run the same bit by bit',
    );
  });

  test('keep the columns of the table under each other', () => {
    const [head, ...rows] = reportLines(passingReport()).slice(4, 12);
    const columns = ['NPU, FP16-aware', 'NPU, FP32', 'FP16, FP32'].map(name => head!.indexOf(name));
    for (const row of rows) {
      for (const column of columns.filter(at => at < row.length)) {
        expect({ row, before: row.slice(column - 2, column) }).toEqual({ row, before: '  ' });
      }
    }
  });

  test('name the position, both candidates with their logits, and each figure with its tolerance', () => {
    const line = promptReportLines(buildPrompt({ number: 2, count: 50, wrong: [41] }), DEVICE_FAULTS)[0];
    expect(line).toMatch(
      /^prompt 2, position 41, after " red" \(34\): NPU "[^"]+" \(\d+\) at 8\.9012, reference " and" \(20\) at 8\.8457: to the FP16-aware reference the NPU's is worse by \d\.\d{4}, tolerance 0\.0062; RMS error 0\.\d+ of the spread against FP16-aware, tolerance 0\.01; KL 0\.\d+ nats against FP16-aware, tolerance 5e-4;/,
    );
  });

  test('say why for every kind of failure', () => {
    const text = (failures: NonNullable<Parameters<typeof buildPrompt>[0]>['failures']): string =>
      promptReportLines(buildPrompt({ count: 1, ...(failures && { failures }) }), DEVICE_FAULTS)[0]!;
    expect(text([{ kind: 'length', got: 3, wanted: 512 }])).toBe(
      'prompt 1: the NPU gave 3 logits, wanted 512',
    );
    expect(text([{ kind: 'notFinite', token: 7, value: 'NaN', count: 2 }])).toContain(
      'first NaN at token 7, 2 in all',
    );
    expect(text([{ kind: 'audit', first: 'layers.0 attention', wrongPlaces: 1 }])).toContain(
      '1 product or step wrong, first layers.0 attention',
    );
    expect(text([{ kind: 'refused', message: 'too\u001b large' }])).toBe(
      'prompt 1: refused: too\\u001b large',
    );
    expect(text([{ kind: 'sampler', got: 5, wanted: 6 }])).toContain(
      'the NPU drew " a" (5), but from its own logits, with the same coin, it is " time" (6)',
    );
    expect(text([{ kind: 'unstable', run: 2, outputs: 1 }])).toContain('run 2 gave 1 other logit');
    expect(text([{ kind: 'meanRms', yardstick: 'fp32', got: 0.02, tolerance: 0.01 }])).toBe(
      'prompt 1: mean RMS error 0.02 of the spread against FP32, tolerance 0.01',
    );
  });

  test('list the first positions that fail and count the rest', () => {
    const wrong = Array.from({ length: 30 }, (_, i) => i);
    const lines = promptReportLines(buildPrompt({ count: 30, wrong }), DEVICE_FAULTS);
    expect(lines.filter(line => line.startsWith('prompt 1, position'))).toHaveLength(LISTED_POSITIONS);
    expect(lines).toContain('prompt 1: 10 more positions of it fail (--json has all)');
  });

  test('tell what FP16 costs from what the device does wrong, unless it counts', () => {
    const [prompt] = failingReport().prompts;
    const [note] = promptReportLines(prompt!, DEVICE_FAULTS);
    expect(note).toContain(
      'prompt 1: accuracy, no fault of the device: FP16 costs more than it should at 1 position, first position 70',
    );
    const [line] = promptReportLines(prompt!, { accuracyCounts: true });
    expect(line).toMatch(
      /^prompt 1, position 70, after .*: to the FP32 reference the NPU's is worse by 0\.1200, tolerance 0\.0930$/,
    );
  });

  test('a figure is never shown as its tolerance that it is beyond', () => {
    const texts = [0.0100004, 0.01049, 0.012, 3].map(got =>
      failureText({ kind: 'positionRms', yardstick: 'fp16', got, tolerance: 0.01 }),
    );
    expect(texts.map(text => /error (\S+) of/.exec(text)![1])).toEqual(['0.0100004', '0.0105', '0.012', '3']);
    const kl = { kind: 'klDivergence', yardstick: 'fp16', got: 3.004e-4, tolerance: 3e-4 } as const;
    expect(failureText(kl)).toBe('KL 3.004e-4 nats against FP16-aware, tolerance 3e-4');
  });

  test('what is wrong as a whole is not counted, and weights are not outputs', () => {
    const { diagnoses, ...report } = damagedReport();
    const [damaged] = diagnoses[0]!.findings;
    expect(reportLines(damagedReport())).toContain(
      "  1. layers.2.wqkv: the file's checksum is not that of its bytes",
    );
    const example = { output: 15, got: 0.5, wanted: 0.25, tolerance: 0 };
    const findings = [{ ...damaged!, wrong: 1, of: 9216, ranges: [[15, 15] as [number, number]], example }];
    const lines = reportLines({ ...report, diagnoses: [{ ...diagnoses[0]!, findings }] });
    expect(lines).toContain('     a weight of row 15: got 0.5, wanted 0.25');
  });

  test('say where free ways part, or that they do not', () => {
    const lines = reportLines(freeReport());
    expect(lines[0]).toBe(
      'prompt 1: fork at position 53: reference " \\"" (41) at 8.8457, better by 0.0080; NPU " every" (21) at 8.8412, better by 0.0021',
    );
    expect(lines[1]).toMatch(/^prompt 1 .*; 54 tokens in common; /);
    expect(lines[2]).toMatch(/^prompt 2 .*; 97 tokens in common, no fork; /);
    expect(lines.at(-1)).toContain('1 prompt parted where the coin fell between two candidates');
    const { prompts, ...report } = freeReport();
    const [{ sampling: _, ...greedy }] = prompts as [PromptReport];
    expect(reportLines({ ...report, prompts: [greedy] }).at(-1)).toContain(
      '1 prompt parted where both candidates are as good',
    );
    const drawn = { ...greedy, fork: { ...greedy.fork!, referenceMargin: -4.25 } };
    expect(reportLines({ ...report, prompts: [drawn] })[0]).toContain('at 8.8457, worse by 4.2500; NPU');
  });

  test('of a failure: positions, stability, notes, figures, matrices, findings, conclusions and the verdict, in that order', () => {
    const lines = reportLines(failingReport());
    const order = [
      /^prompt 2, position 41/,
      /^prompt 2: mean RMS error/,
      /^prompt 2, position 60: run 2 gave 16 other logits/,
      /^stability: 3 runs in 184\.2 s, 2 positions not the same in every run$/,
      /^note: .*SUBMIT timed out/,
      /^tokens that differ/,
      /^matrix layers\.3\.w2: 128 of 2304 outputs wrong over 8 rows; largest error 60000 times its tolerance; wrong weights: 0 in the file, 3 in memory$/,
      /^diagnosis of prompt 2, position 41, in the order of the data flow:$/,
      /^ {2}1\. layers\.3\.w2: 16 of 288 outputs wrong \(rows 32-47\): one 16-row group, /,
      /^ {5}output 33 at position 41: got 0, wanted 1\.2513, tolerance 2\.1e-5$/,
      /^ {2}what that usually means:$/,
      /^ {2}- One 16-row group/,
      /^FAIL: the first wrong place is layers\.3\.w2: .*; 8 of 320 positions fail, in 2 of 3 prompts; 1 of 3 prompts wrong as a whole; 1 of 43 matrices wrong/,
    ];
    const places = order.map(pattern => lines.findIndex(line => pattern.test(line)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.at(-1)).toBe(lines.length - 1);
  });

  test('name the board where there are several', () => {
    const lines = reportLines(mergedReport());
    expect(lines.filter(line => /^(prompt|matrix|diagnosis|note|error)/.test(line))).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^speed of board-b +FP32 reference 9\.1 tok\/s/));
  });

  test('of an error and of a sweep say what there is', () => {
    expect(reportLines(errorReport()).at(-1)).toMatch(/^ERROR: SUBMIT timed out after 6000 ms: layer 3 wqkv/);
    expect(reportLines(sweepReport())).toEqual([
      'note: no NPU here: the simulated device was verified',
      expect.stringMatching(
        /^products +99072 outputs of 43 matrices checked one by one, worst error \S+ times/,
      ),
      expect.stringMatching(/^device +simulated/),
      expect.stringMatching(/^speed /),
      'PASS: all 43 matrices checked compute what they should',
    ]);
    expect(reportLines(buildReport({ matrices: sweepReport().matrices.slice(0, 1) })).at(-1)).toMatch(
      /^PASS: the one matrix checked computes what it should$/,
    );
  });

  test.each(Object.entries(SAMPLES))('hold nothing that disturbs a terminal: %s', (_, sample) => {
    expect(reportLines(sample()).filter(line => /\p{C}|\p{Zl}|\p{Zp}/u.test(line))).toEqual([]);
  });
});
