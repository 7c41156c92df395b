import { mergeReports } from '../../src/report/merge-reports.js';
import type { PositionReport, VerifyReport } from '../../src/report/schema.js';
import {
  buildDiagnosis,
  buildMatrices,
  buildPrompt,
  buildReport,
  buildRun,
  tokenAt,
} from './report-builder.js';

/** One report of each sort that there is. */

export function passingReport(): VerifyReport {
  return buildReport({
    prompts: [
      buildPrompt({ number: 1, count: 256 }),
      buildPrompt({ number: 2, count: 128, change: tiedAt(30) }),
      buildPrompt({ number: 3, count: 1, name: 'nothing', text: '', promptTokens: 1 }),
    ],
    stability: [{ run: 0, repeats: 3, seconds: 184.2, identical: true, unstable: [], unstablePositions: 0 }],
  });
}

/** Every product is right, but the file is not: a sweep of one that is damaged. */
export function damagedReport(): VerifyReport {
  return buildReport({
    verdict: 'fail',
    runs: [buildRun({ verdict: 'fail' })],
    prompts: [],
    diagnoses: [
      {
        run: 0,
        findings: [
          {
            place: 'layers.2.wqkv',
            what: 'weights',
            wrong: 1,
            of: 1,
            ranges: [],
            common: ["the file's checksum is not that of its bytes"],
          },
        ],
        conclusions: ['the .npu file is damaged'],
      },
    ],
  });
}

/** Three prompts, two of them wrong, one with logits that are no numbers; a diagnosis; a wrong matrix; unstable. */
export function failingReport(): VerifyReport {
  return buildReport({
    prompts: [
      buildPrompt({ number: 1, count: 128, change: inaccurateAt(70) }),
      buildPrompt({
        number: 2,
        count: 128,
        wrong: [41, 42, 43, 60, 88, 127],
        failures: [{ kind: 'meanRms', yardstick: 'fp16', got: 0.0123, tolerance: 0.0005 }],
        change: position =>
          position.position === 100
            ? withoutComparison(position, [{ kind: 'notFinite', token: 7, value: 'NaN', count: 512 }])
            : position,
      }),
      buildPrompt({
        number: 3,
        count: 64,
        change: position =>
          position.position === 12
            ? { ...position, failures: [{ kind: 'audit', first: 'layers.3.w2', wrongPlaces: 2 }] }
            : position,
      }),
    ],
    matrices: buildMatrices({ 'layers.3.w2': 59583 }),
    diagnoses: [buildDiagnosis()],
    stability: [
      {
        run: 0,
        repeats: 3,
        seconds: 184.2,
        identical: false,
        unstable: [
          { prompt: 2, position: 60, run: 2, outputs: 16, firstToken: 33, first: 1.25, other: 1.2501 },
          { prompt: 2, position: 61, run: 3, outputs: 1, firstToken: 12, first: -0.5, other: 'NaN' },
        ],
        unstablePositions: 2,
      },
    ],
    notes: [
      {
        run: 0,
        kind: 'timeoutRetried',
        text: 'prompt 2, position 88: SUBMIT timed out after 6000 ms; the device was reset and the position repeated, once',
      },
      { run: 0, kind: 'checksumsOff', text: 'the checksums of the file were not looked at (--no-checksums)' },
    ],
  });
}

/** Free mode: one prompt that parts within the tolerance, one that never does. */
export function freeReport(): VerifyReport {
  const sampling = { temperature: 0.8, topP: 0.9, seed: '42' };
  return buildReport({
    command: 'verify-npu models/tales.npu --reference models/tales.bin --mode free',
    prompts: [
      buildPrompt({
        number: 1,
        count: 54,
        mode: 'free',
        sampling,
        commonTokens: 54,
        change: tiedAt(53),
        fork: {
          position: 53,
          reference: { token: tokenAt(54), logit: 8.8457, npuLogit: 8.8391 },
          npu: { token: 21, logit: 8.8412, referenceLogit: 8.8377 },
          referenceMargin: 0.008,
          npuMargin: 0.0021,
        },
      }),
      buildPrompt({ number: 2, count: 96, mode: 'free', sampling, commonTokens: 97 }),
    ],
  });
}

/** Two boards with a shard each, a third that ran the whole suite and is wrong. */
export function mergedReport(): VerifyReport {
  const host = (name: string, hour: string) => ({
    startedAt: `2025-11-20T${hour}:00:07Z`,
    machine: { ...buildRun().machine, host: name },
  });
  return mergeReports([
    {
      path: 'a.json',
      report: buildReport({
        runs: [buildRun({ ...host('board-a', '02'), shard: { index: 1, count: 2 } })],
        prompts: [buildPrompt({ number: 1 }), buildPrompt({ number: 3 })],
        matrices: buildMatrices(),
      }),
    },
    {
      path: 'b.json',
      report: buildReport({
        runs: [buildRun({ ...host('board-b', '03'), shard: { index: 2, count: 2 } })],
        prompts: [buildPrompt({ number: 2 }), buildPrompt({ number: 4 })],
        matrices: buildMatrices(),
        notes: [{ run: 0, kind: 'accuracy', text: 'FP16 alone costs 2 tokens of 192' }],
      }),
    },
    {
      path: 'c.json',
      report: buildReport({
        runs: [buildRun({ ...host('board-c', '02'), seconds: 140.3 })],
        prompts: [1, 2, 3, 4].map(number => buildPrompt({ number, wrong: number === 3 ? [20, 21, 50] : [] })),
        matrices: buildMatrices({ 'layers.1.wk': 12.4, 'layers.4.wk': 8.1 }),
        diagnoses: [
          buildDiagnosis({
            prompt: 3,
            position: 20,
            findings: [
              {
                place: 'layers.1.wk',
                what: 'product',
                wrong: 96,
                of: 288,
                ranges: [[96, 191]],
                common: ['core 1'],
              },
              {
                place: 'layers.4.wk',
                what: 'product',
                wrong: 96,
                of: 288,
                ranges: [[96, 191]],
                common: ['core 1'],
              },
            ],
            conclusions: [
              'Everything wrong was computed by core 1 and nothing else was: suspect its clock or supply.',
            ],
          }),
        ],
      }),
    },
  ]);
}

/** A device that stopped answering after the first prompt. */
export function errorReport(): VerifyReport {
  return buildReport({
    runs: [
      buildRun({
        verdict: 'error',
        error: {
          message:
            'SUBMIT timed out after 6000 ms: layer 3 wqkv, task 2 on core 1, 4 of 6 tasks done; the device needs a reset',
          exitStatus: 3,
        },
      }),
    ],
    prompts: [buildPrompt({ number: 1, count: 48 })],
  });
}

/** No prompts: every matrix with random inputs, without a reference. */
export function sweepReport(): VerifyReport {
  const { suite: _, ...report } = buildReport({
    command: 'verify-npu models/tales.npu --sweep',
    reference: { kind: 'model' },
    runs: [
      buildRun({
        device: {
          ...buildRun().device!,
          kind: 'sim',
          description: 'simulated RK3588 NPU, rknpu 0.9.8, 3 cores, 1 row a job',
        },
      }),
    ],
    matrices: buildMatrices(),
    notes: [{ run: 0, kind: 'simulated', text: 'no NPU here: the simulated device was verified' }],
  });
  return report;
}

export const HOSTILE =
  '<script>alert(1)</script>"\'&]]>--><img src=x onerror=alert(2)>\u0000\u0007\u001b[31m\u202e\ud800';

/** Every text that a file, a model or a device can choose, chosen by someone who means harm. */
export function hostileReport(): VerifyReport {
  const report = failingReport();
  const prompts = report.prompts.map(prompt => ({
    ...prompt,
    name: HOSTILE,
    text: HOSTILE,
    pieces: Object.fromEntries(Object.keys(prompt.pieces).map(token => [token, HOSTILE])),
    positions: prompt.positions.map(position => ({
      ...position,
      failures: position.failures.map(failure =>
        failure.kind === 'audit' ? { ...failure, first: HOSTILE } : failure,
      ),
    })),
  }));
  const run = report.runs[0]!;
  return {
    ...report,
    verdict: 'error',
    tool: { name: 'verify-npu', version: HOSTILE },
    command: HOSTILE,
    suite: { name: HOSTILE, sha256: '5d'.repeat(32) },
    model: {
      ...report.model,
      path: HOSTILE,
      converter: HOSTILE,
      source: { ...report.model.source, name: HOSTILE },
    },
    reference: { kind: 'golden', path: HOSTILE, sha256: 'c0'.repeat(32) },
    runs: [
      {
        ...run,
        verdict: 'error',
        machine: { host: HOSTILE, kernel: HOSTILE, arch: HOSTILE, node: HOSTILE },
        device: { ...run.device!, description: HOSTILE, driver: HOSTILE, ffi: HOSTILE },
        error: { message: HOSTILE, exitStatus: 3 },
      },
    ],
    prompts,
    matrices: report.matrices.map(matrix => ({ ...matrix, name: HOSTILE, kind: HOSTILE })),
    diagnoses: [
      buildDiagnosis({
        findings: [{ place: HOSTILE, what: 'product', wrong: 1, of: 2, ranges: [[0, 0]], common: [HOSTILE] }],
        conclusions: [HOSTILE],
      }),
    ],
    notes: [{ run: 0, kind: 'accuracy', text: HOSTILE }],
  };
}

/** FP16 costs a token there: no fault of the device. */
function inaccurateAt(at: number): (position: PositionReport) => PositionReport {
  return position =>
    position.position === at
      ? {
          ...position,
          fp32: { ...position.fp32!, npuToken: 21, margin: 0.12 },
          cost: { ...position.cost!, margin: 0.12 },
          accuracy: [{ kind: 'token', yardstick: 'fp32', got: 0.12, tolerance: 0.093 }],
        }
      : position;
}

/** The NPU chooses another token, but one that is as good. */
function tiedAt(at: number): (position: PositionReport) => PositionReport {
  return position =>
    position.position === at
      ? {
          ...position,
          fp32: { ...position.fp32!, npuToken: 21, margin: 0.008 },
          fp16: { ...position.fp16!, npuToken: 21, margin: 0.001 },
        }
      : position;
}

function withoutComparison(position: PositionReport, failures: PositionReport['failures']): PositionReport {
  const { fp32: _fp32, fp16: _fp16, ...rest } = position;
  return { ...rest, failures };
}

/** All of them by name. */
export const SAMPLES = {
  passing: passingReport,
  failing: failingReport,
  free: freeReport,
  merged: mergedReport,
  error: errorReport,
  damaged: damagedReport,
  sweep: sweepReport,
  hostile: hostileReport,
} as const;
