import { describe, expect, test } from '@jest/globals';
import type { NpuFileDescription, Vocabulary } from '@npu-llama/format';
import { DEFAULT_TOLERANCES, judgePosition, judgePrompt } from '../../src/compare/index.js';
import { encodeReport, figuresOf, promptLines, verdictLine, verifyReport } from '../../src/report/index.js';
import { type PromptResult, promptPassed, type VerifyResult } from '../../src/verify/index.js';
import { TINY } from '../support/models.js';

const VOCABULARY: Vocabulary = {
  maxTokenLength: 5,
  pieces: ['<unk>', '<s>', ' cat', ' dog'].map(text => Buffer.from(text)),
  scores: new Float32Array(4),
};
const REFERENCE = [0, 0, 1, 3];

/** A prompt whose every position has the reference 0 0 1 3 against these logits of the NPU. */
function promptOf(number: number, npu: readonly (readonly number[])[]): PromptResult {
  const positions = npu.map((logits, position) =>
    judgePosition(
      { position, token: 1, referenceToken: 3 },
      Float32Array.from(REFERENCE),
      Float32Array.from(logits),
      DEFAULT_TOLERANCES,
    ),
  );
  const failures = judgePrompt(positions, DEFAULT_TOLERANCES);
  return {
    prompt: { number, text: 'A\ncat', tokens: [1] },
    positions,
    failures,
    referenceSeconds: 0.5,
    npuSeconds: 0.25,
  };
}

function resultOf(...prompts: PromptResult[]): VerifyResult {
  return { prompts, tolerances: DEFAULT_TOLERANCES, passed: prompts.every(promptPassed) };
}

const FINE = promptOf(1, [REFERENCE, [0, 0, 1, 3.0078125]]);
const WRONG = promptOf(2, [REFERENCE, [0, 0, 4, 3], [0, Number.NaN, 1, 3], [0]]);

describe('lines', () => {
  test('of a prompt that passes: its summary', () => {
    expect(promptLines(FINE, VOCABULARY)).toEqual([
      'prompt 1 "A\\ncat": 2 positions, 0 differ; largest |dlogit| 0.0078 at position 1; ' +
        'mean RMS error 0.0016 of the spread; worst KL 4.7e-6 at position 1; least cosine 0.9999997 at position 1',
    ]);
  });

  test('of a prompt that fails: each position, with texts, logits and tolerances', () => {
    const lines = promptLines(WRONG, VOCABULARY);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe(
      'prompt 2, position 1, after "<s>" (1): NPU " cat" (2) at 4.0000, reference " dog" (3) at 3.0000: to the reference ' +
        "the NPU's is worse by 2.0000, tolerance 0.0367; RMS error 1.2 of the spread, tolerance 0.1; KL 0.8 nats, tolerance 0.02",
    );
    expect(lines[1]).toBe(
      'prompt 2, position 2, after "<s>" (1): reference " dog" (3): NPU logits are not finite: first NaN at token 1, 1 in all',
    );
    expect(lines[2]).toContain('the NPU gave 1 logits, wanted 4');
    expect(lines[3]).toMatch(
      /^prompt 2 "A\\ncat": 4 positions, 1 differ, 2 otherwise wrong; largest \|dlogit\| 3\.0000 at position 1;/,
    );
  });

  test('show numbers alone where there is no tokenizer', () => {
    expect(promptLines(WRONG, undefined)[0]).toContain(
      'after token 1: NPU token 2 at 4.0000, reference token 3',
    );
  });

  test('of a prompt that is only wrong on average', () => {
    const off = promptOf(
      3,
      Array.from({ length: 20 }, () => [0.05, 0, 1, 3]),
    );
    expect(promptLines(off, VOCABULARY)[0]).toBe(
      'prompt 3: mean RMS error 0.02 of the spread, tolerance 0.01',
    );
    expect(verdictLine(resultOf(off), 'a device')).toContain('1 of 1 prompts wrong on average');
  });

  test('count tokens that tie', () => {
    const tied = judgePosition(
      { position: 0, token: 1, referenceToken: 2 },
      Float32Array.of(0, 0, 3, 2.99),
      Float32Array.of(0, 0, 2.99, 3),
      DEFAULT_TOLERANCES,
    );
    expect(figuresOf([{ ...FINE, positions: [tied] }])).toMatchObject({ differing: 0, tied: 1, failing: 0 });
    expect(promptLines({ ...FINE, positions: [tied] }, undefined)[0]).toContain(
      '1 positions, 0 differ, 1 tied;',
    );
  });

  test('end with the verdict: over how much, on what, how fast', () => {
    expect(verdictLine(resultOf(FINE), 'a device')).toMatch(
      /^PASS: 2 positions, 0 differ; largest .* at position 1; .*; NPU: a device; reference 4\.0 tok\/s, NPU 8\.0 tok\/s$/,
    );
    expect(verdictLine(resultOf(FINE, WRONG), 'a device')).toMatch(
      /^FAIL: 6 positions, 1 differ, 2 otherwise wrong; largest \|dlogit\| 3\.0000 at prompt 2, position 1;/,
    );
  });
});

describe('the JSON document', () => {
  const description: NpuFileDescription = {
    config: TINY,
    sharedClassifier: true,
    source: { name: 'tiny.bin', sha256: 'ab'.repeat(32), version: 0 },
    converter: '0.1.0',
    saturated: 0,
    tokenizerBytes: 0,
  };
  const subject = {
    device: 'a device',
    model: { path: 'tiny.npu', description },
    reference: { path: 'tiny.bin', sha256: 'ab'.repeat(32) },
  };
  const document = JSON.parse(encodeReport(verifyReport(resultOf(FINE, WRONG), subject, '0.1.0')));

  test('says what was compared, how strictly, and the verdict', () => {
    expect(document).toMatchObject({
      schemaVersion: 1,
      tool: { name: 'verify-npu', version: '0.1.0' },
      verdict: 'fail',
      device: { description: 'a device' },
      model: { path: 'tiny.npu', source: description.source, config: TINY, sharedClassifier: true },
      reference: subject.reference,
      tolerances: DEFAULT_TOLERANCES,
      tokensPerSecond: { reference: 6, npu: 12 },
      summary: { positions: 6, differing: 1, failing: 3 },
    });
  });

  test('has every prompt and position', () => {
    expect(
      document.prompts.map(({ number, verdict }: { number: number; verdict: string }) => [number, verdict]),
    ).toEqual([
      [1, 'pass'],
      [2, 'fail'],
    ]);
    expect(document.prompts[1].positions[1]).toMatchObject({
      position: 1,
      token: 1,
      referenceToken: 3,
      comparison: {
        npuToken: 2,
        referenceBest: 3,
        npuBest: 4,
        margin: 2,
        maxDifference: 3,
        maxDifferenceToken: 2,
      },
    });
  });

  test('spells what JSON cannot, and leaves out what there is not', () => {
    expect(document.prompts[1].positions[2]).toEqual({
      position: 2,
      token: 1,
      referenceToken: 3,
      failures: [{ kind: 'notFinite', token: 1, value: 'NaN', count: 1 }],
    });
  });
});
