import { describe, expect, test } from '@jest/globals';
import type { PositionReport } from '../../src/report/schema.js';
import { promptVerdict, type Summarised, summarise, worstVerdict } from '../../src/report/summary.js';
import { buildComparison } from '../support/report-builder.js';

function position(at: number, overrides: Partial<PositionReport> = {}): PositionReport {
  return { position: at, token: 1, referenceToken: 5, failures: [], accuracy: [], ...overrides };
}

const TOKEN = { kind: 'token', got: 1, tolerance: 0.1 } as const;

describe('a summary', () => {
  test('of nothing has counts alone', () => {
    expect(summarise([])).toEqual({ positions: 0, failing: 0, inaccurate: 0 });
  });

  test('finds each extreme with its prompt and position, the first of equals', () => {
    const prompts: Summarised[] = [
      { number: 3, positions: [position(0, { fp16: buildComparison(5, 0.25, 0.5, { cosine: 0.9 }) })] },
      {
        number: 7,
        positions: [
          position(0, { fp16: buildComparison(5, 0.25, 0.75, { cosine: 0.8 }) }),
          position(1, { fp16: buildComparison(5, 0.0625, 0.125, { cosine: 0.95, maxDifference: 4 }) }),
        ],
      },
    ];
    expect(summarise(prompts).fp16).toEqual({
      differing: 0,
      tied: 0,
      meanRelativeRms: 0.1875,
      worstRelativeRms: { value: 0.25, prompt: 3, position: 0 },
      worstKl: { value: 0.75, prompt: 7, position: 0 },
      leastCosine: { value: 0.8, prompt: 7, position: 0 },
      largestDifference: { value: 4, prompt: 7, position: 1 },
    });
  });

  test('leaves out what a golden record does not hold, and a reference that nothing was compared with', () => {
    const {
      maxDifference: _a,
      maxDifferenceToken: _b,
      cosine: _c,
      ...sampled
    } = buildComparison(5, 0.5, 0.25);
    const summary = summarise([{ number: 1, positions: [position(0, { fp32: sampled }), position(1)] }]);
    expect(Object.keys(summary.fp32!)).not.toContain('largestDifference');
    expect(Object.keys(summary.fp32!)).not.toContain('leastCosine');
    expect(summary.fp16).toBeUndefined();
    expect(summary.positions).toBe(2);
  });

  test('tells tokens that differ from tokens that tie, by each yardstick’s own tolerance', () => {
    const other = buildComparison(5, 0.1, 0.1, { npuToken: 6, margin: 0.05 });
    const positions = [
      position(0, { fp32: other, fp16: other, failures: [{ ...TOKEN, yardstick: 'fp16' }] }),
      position(1, { fp32: other, fp16: other, accuracy: [{ ...TOKEN, yardstick: 'fp32' }] }),
    ];
    const summary = summarise([{ number: 1, positions }]);
    expect(summary).toMatchObject({ failing: 1, inaccurate: 1 });
    expect(summary.fp16).toMatchObject({ differing: 1, tied: 1 });
    expect(summary.fp32).toMatchObject({ differing: 1, tied: 1 });
  });

  test('averages what FP16 costs over the positions that say it', () => {
    const positions = [
      position(0, { cost: { margin: 0, relativeRms: 0.25, klDivergence: 1 } }),
      position(1, { cost: { margin: 0.5, relativeRms: 0.75, klDivergence: 2 } }),
      position(2),
    ];
    expect(summarise([{ number: 1, positions }]).cost).toEqual({
      differing: 1,
      meanRelativeRms: 0.5,
      meanKl: 1.5,
    });
  });

  test('weighs perplexities by the tokens that were judged; one that is not finite stays so', () => {
    const prompts: Summarised[] = [
      { number: 1, positions: [position(0), position(1)], summary: { perplexity: { fp32: 2, npu: 4 } } },
      {
        number: 2,
        positions: [position(0), position(3)],
        summary: { perplexity: { fp32: 16, npu: 'Infinity' } },
      },
      // Nothing comes before the only token of an empty prompt.
      { number: 3, positions: [position(0)], summary: { perplexity: { fp32: 1000 } } },
    ];
    const { perplexity } = summarise(prompts);
    expect(perplexity?.fp32).toBeCloseTo((2 * 16 ** 3) ** (1 / 4), 12);
    expect(perplexity?.npu).toBe(Number.POSITIVE_INFINITY);
    expect(perplexity?.fp16).toBeUndefined();
  });
});

describe('a verdict', () => {
  const inaccurate = position(0, { accuracy: [{ ...TOKEN, yardstick: 'fp32' }] });
  const failing = position(0, { failures: [{ ...TOKEN, yardstick: 'fp16' }] });

  test('fails for a failure of the prompt or of any position', () => {
    expect(promptVerdict({ failures: [], accuracy: [], positions: [position(0), failing] })).toBe('fail');
    expect(
      promptVerdict({
        failures: [{ kind: 'length', got: 1, wanted: 2 }],
        accuracy: [],
        positions: [position(0)],
      }),
    ).toBe('fail');
    expect(promptVerdict({ failures: [], accuracy: [], positions: [position(0)] })).toBe('pass');
  });

  test('fails for what FP16 costs only where that counts', () => {
    const prompt = { failures: [], accuracy: [], positions: [inaccurate] };
    expect(promptVerdict(prompt)).toBe('pass');
    expect(promptVerdict(prompt, { accuracyCounts: true })).toBe('fail');
  });

  test('of several is the worst', () => {
    expect(worstVerdict([])).toBe('pass');
    expect(worstVerdict(['pass', 'fail'])).toBe('fail');
    expect(worstVerdict(['error', 'fail', 'pass'])).toBe('error');
  });
});
