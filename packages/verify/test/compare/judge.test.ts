import { describe, expect, test } from '@jest/globals';
import {
  DEFAULT_TOLERANCES,
  judgePosition,
  judgePrompt,
  type LogitsTolerances,
  POSITIONS_FOR_A_MEAN,
} from '../../src/compare/index.js';
import type { PositionReport } from '../../src/index.js';

const LAX = { margin: 10, positionRms: 10, meanRms: 10, kl: 10 };
const FED = { position: 3, token: 7, referenceToken: 3 };

type Limits = LogitsTolerances['fp32'];

function judge(
  { fp32, fp16 = fp32, npu }: { fp32: readonly number[]; fp16?: readonly number[]; npu: readonly number[] },
  limits: { readonly fp32?: Partial<Limits>; readonly fp16?: Partial<Limits> } = {},
): PositionReport {
  const logits = {
    fp32: Float32Array.from(fp32),
    fp16: Float32Array.from(fp16),
    npu: Float32Array.from(npu),
  };
  return judgePosition(FED, logits, {
    fp32: { ...LAX, ...limits.fp32 },
    fp16: { ...LAX, ...limits.fp16 },
  });
}

function kinds(excesses: readonly { readonly kind: string }[]): string[] {
  return excesses.map(({ kind }) => kind);
}

describe('which yardstick finds what', () => {
  const exact = [0, 0, 2, 2.2];
  const rounded = [0, 0, 2.2, 2];
  const strict = { fp32: { margin: 0, positionRms: 0, kl: 0 }, fp16: { margin: 0, positionRms: 0, kl: 0 } };

  test('a device that computes what FP16 gives is right, however far that is from FP32', () => {
    const position = judge({ fp32: exact, fp16: rounded, npu: rounded }, strict);
    expect(position.failures).toEqual([]);
    expect(kinds(position.accuracy)).toEqual(['token', 'positionRms', 'klDivergence']);
    expect(position.accuracy.every(excess => excess.yardstick === 'fp32')).toBe(true);
  });

  test('a device that computes what FP32 gives, where FP16 gives another, is wrong', () => {
    const position = judge({ fp32: exact, fp16: rounded, npu: exact }, strict);
    expect(kinds(position.failures)).toEqual(['token', 'positionRms', 'klDivergence']);
    expect(position.failures.every(excess => 'yardstick' in excess && excess.yardstick === 'fp16')).toBe(
      true,
    );
    expect(position.accuracy).toEqual([]);
  });

  test('each comparison is with its own reference, and the cost is that of FP16 alone', () => {
    const position = judge({ fp32: exact, fp16: rounded, npu: [0, 0, 2, 2] });
    expect(position.fp32).toMatchObject({ referenceToken: 3, npuToken: 2, margin: expect.closeTo(0.2, 6) });
    expect(position.fp16).toMatchObject({ referenceToken: 2, npuToken: 2, margin: 0 });
    expect(position.cost).toEqual(judge({ fp32: exact, fp16: rounded, npu: rounded }).cost);
    expect(position.cost!.margin).toBeCloseTo(0.2, 6);
    expect(position).toMatchObject(FED);
  });
});

describe.each(['fp32', 'fp16'] as const)('tokens, by %s', yardstick => {
  const excesses = (reference: readonly number[], npu: readonly number[], margin: number) => {
    const position = judge({ fp32: reference, npu }, { [yardstick]: { margin } });
    return yardstick === 'fp32' ? position.accuracy : position.failures;
  };
  /** Mean 0 and squares 4 + 1 + 1 + 4 over 10: the spread is 1 exactly, the best two are 1 apart. */
  const reference = [2, 1, -1, -2, 0, 0, 0, 0, 0, 0];
  const second = [1, 2, ...reference.slice(2)];

  test.each([
    ['the same token, however far apart the logits', reference.map(logit => logit + 9), 0, []],
    ['another one, worse by exactly the tolerance', second, 1, []],
    ['another one, worse by more', second, 0.999, ['token']],
  ])('%s', (_, npu, margin, wanted) => {
    expect(kinds(excesses(reference, npu, margin))).toEqual(wanted);
  });

  test('another one that is as good to the reference', () => {
    expect(excesses([0, 0, 2, 2], [0, 0, 1, 2], 0)).toEqual([]);
  });

  test('the tolerance that is reported is in logits', () => {
    expect(excesses([0, 0, 4, 4.5], [0, 0, 5, 4], 0.1)).toEqual([
      { kind: 'token', yardstick, got: 0.5, tolerance: expect.closeTo(0.1 * 2.1325, 4) },
    ]);
  });
});

describe('logits that keep the token', () => {
  test.each([
    ['the tolerance', 0.25, []],
    ['less', 0.2, ['positionRms']],
  ])('an RMS error of a quarter of the spread, against %s', (_, positionRms, wanted) => {
    const { failures } = judge({ fp32: [0, 0, 2, 2], npu: [0, 0, 2, 2.5] }, { fp16: { positionRms } });
    expect(kinds(failures)).toEqual(wanted);
  });

  test('fail by their divergence', () => {
    const { failures } = judge({ fp32: [0, 0, 2, 2], npu: [0, 0, 2, 3] }, { fp16: { kl: 0.05 } });
    expect(kinds(failures)).toEqual(['klDivergence']);
  });

  test('a shift of all of them is an error too', () => {
    const { failures } = judge({ fp32: [0, 0, 2, 2], npu: [1, 1, 3, 3] }, DEFAULT_TOLERANCES);
    expect(kinds(failures)).toEqual(['positionRms']);
  });
});

describe('logits that cannot be compared', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%p fails whatever the tolerances, the cost of FP16 is told all the same',
    value => {
      const position = judge({ fp32: [0, 0, 1, 0], fp16: [0, 1, 0, 0], npu: [0, value, 0, value] });
      expect(position.failures).toEqual([{ kind: 'notFinite', token: 1, value, count: 2 }]);
      expect([position.fp32, position.fp16, position.accuracy]).toEqual([undefined, undefined, []]);
      expect(position.cost!.margin).toBe(1);
    },
  );

  test.each([3, 5, 0])('%i of them instead of 4', count => {
    const { failures } = judge({ fp32: [0, 0, 0, 0], npu: Array(count).fill(0) });
    expect(failures).toEqual([{ kind: 'length', got: count, wanted: 4 }]);
  });
});

describe('a prompt as a whole', () => {
  const reference = [0, 0, 2, 2];
  /** An RMS error of 0.005 of the spread: between the two means that are tolerated. */
  const off = [0.01, 0, 2, 2];
  const position = (logits: Omit<Parameters<typeof judge>[0], 'fp32'>): PositionReport =>
    judge({ fp32: reference, ...logits }, DEFAULT_TOLERANCES);
  const many = (count: number, one: PositionReport): PositionReport[] => Array(count).fill(one);
  const limits = { fp16: { ...LAX, meanRms: 0.004 }, fp32: { ...LAX, meanRms: 0.004 } };

  test('fails where each position is a little off the FP16-aware reference', () => {
    const device = position({ npu: off });
    expect(device.failures).toEqual([]);
    const judged = judgePrompt(many(POSITIONS_FOR_A_MEAN, device), limits);
    const excess = { kind: 'meanRms', got: expect.closeTo(0.005, 6), tolerance: 0.004 };
    expect(judged.failures).toEqual([{ ...excess, yardstick: 'fp16' }]);
    expect(judged.accuracy).toEqual([{ ...excess, yardstick: 'fp32' }]);
  });

  test('does not where FP16 itself is', () => {
    const judged = judgePrompt(many(POSITIONS_FOR_A_MEAN, position({ fp16: off, npu: off })), limits);
    expect(judged.failures).toEqual([]);
    expect(kinds(judged.accuracy)).toEqual(['meanRms']);
  });

  test('does not where a few positions are', () => {
    const fine = position({ npu: reference });
    const mostly = [...many(3, position({ npu: off })), ...many(POSITIONS_FOR_A_MEAN, fine)];
    expect(judgePrompt(mostly, limits)).toEqual({ failures: [], accuracy: [] });
  });

  test('is not judged by too few positions, nor by none that can be compared', () => {
    const none = { failures: [], accuracy: [] };
    expect(judgePrompt(many(POSITIONS_FOR_A_MEAN - 1, position({ npu: off })), limits)).toEqual(none);
    expect(judgePrompt(many(POSITIONS_FOR_A_MEAN, position({ npu: [] })), limits)).toEqual(none);
  });
});

test('the device is held tighter than the accuracy of FP16, in every figure', () => {
  for (const figure of ['margin', 'positionRms', 'meanRms', 'kl'] as const) {
    expect(DEFAULT_TOLERANCES.fp16[figure]).toBeLessThan(DEFAULT_TOLERANCES.fp32[figure]);
  }
});
