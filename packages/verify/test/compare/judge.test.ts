import { describe, expect, test } from '@jest/globals';
import {
  DEFAULT_TOLERANCES,
  judgePosition,
  judgePrompt,
  POSITIONS_FOR_A_MEAN,
  type PositionResult,
  type Tolerances,
} from '../../src/compare/index.js';

const LAX: Tolerances = { margin: 10, positionRms: 10, meanRms: 10, klDivergence: 10 };
const FED = { position: 3, token: 7, referenceToken: 3 };

function kinds(
  reference: readonly number[],
  npu: readonly number[],
  tolerances: Partial<Tolerances>,
): string[] {
  const all = { ...LAX, ...tolerances };
  const result = judgePosition(FED, Float32Array.from(reference), Float32Array.from(npu), all);
  return result.failures.map(({ kind }) => kind);
}

describe('tokens', () => {
  /** Mean 0 and squares 4 + 1 + 1 + 4 over 10: the spread is 1 exactly, the best two are 1 apart. */
  const reference = [2, 1, -1, -2, 0, 0, 0, 0, 0, 0];
  const second = [1, 2, ...reference.slice(2)];

  test.each([
    ['the same token, however far apart the logits', reference.map(logit => logit + 9), 0, []],
    ['another one, worse by exactly the tolerance', second, 1, []],
    ['another one, worse by more', second, 0.999, ['token']],
  ])('%s', (_, npu, margin, wanted) => {
    expect(kinds(reference, npu, { margin })).toEqual(wanted);
  });

  test('another one that is as good to the reference', () => {
    expect(kinds([0, 0, 2, 2], [0, 0, 1, 2], { margin: 0 })).toEqual([]);
  });

  test('the tolerance that is reported is in logits', () => {
    const reference = Float32Array.of(0, 0, 4, 4.5);
    const { failures } = judgePosition(FED, reference, Float32Array.of(0, 0, 5, 4), { ...LAX, margin: 0.1 });
    expect(failures).toEqual([{ kind: 'token', got: 0.5, tolerance: expect.closeTo(0.1 * 2.1325, 4) }]);
  });
});

describe('logits that keep the token', () => {
  test('fail by their RMS error', () => {
    expect(kinds([0, 0, 2, 2], [0, 0, 2, 2.5], { positionRms: 0.2 })).toEqual(['positionRms']);
    expect(kinds([0, 0, 2, 2], [0, 0, 2, 2.5], { positionRms: 0.25 })).toEqual([]);
  });

  test('fail by their divergence', () => {
    expect(kinds([0, 0, 2, 2], [0, 0, 2, 3], { klDivergence: 0.05 })).toEqual(['klDivergence']);
  });

  test('a shift of all of them is an error too', () => {
    expect(kinds([0, 0, 2, 2], [1, 1, 3, 3], { ...DEFAULT_TOLERANCES })).toEqual(['positionRms']);
  });
});

describe('logits that cannot be compared', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%p fails whatever the tolerances',
    value => {
      const { comparison, failures } = judgePosition(
        FED,
        new Float32Array(4),
        Float32Array.of(0, value, 0, value),
        LAX,
      );
      expect(comparison).toBeUndefined();
      expect(failures).toEqual([{ kind: 'notFinite', token: 1, value, count: 2 }]);
    },
  );

  test.each([3, 5, 0])('%i of them instead of 4', count => {
    const { failures } = judgePosition(FED, new Float32Array(4), new Float32Array(count), LAX);
    expect(failures).toEqual([{ kind: 'length', got: count, wanted: 4 }]);
  });
});

describe('a prompt as a whole', () => {
  const reference = Float32Array.of(0, 0, 2, 2);
  const off = judgePosition(FED, reference, Float32Array.of(0.03, 0, 2, 2), DEFAULT_TOLERANCES);
  const fine = judgePosition(FED, reference, reference, DEFAULT_TOLERANCES);
  const positions = (count: number, result: PositionResult) => Array.from({ length: count }, () => result);

  test('fails where each position is a little wrong', () => {
    expect(off.failures).toEqual([]);
    expect(judgePrompt(positions(POSITIONS_FOR_A_MEAN, off), DEFAULT_TOLERANCES)).toEqual([
      { kind: 'meanRms', got: expect.closeTo(0.015, 6), tolerance: DEFAULT_TOLERANCES.meanRms },
    ]);
  });

  test('does not where a few are', () => {
    const mostlyFine = [...positions(3, off), ...positions(POSITIONS_FOR_A_MEAN, fine)];
    expect(judgePrompt(mostlyFine, DEFAULT_TOLERANCES)).toEqual([]);
  });

  test('is not judged by too few positions, nor by none that can be compared', () => {
    expect(judgePrompt(positions(POSITIONS_FOR_A_MEAN - 1, off), DEFAULT_TOLERANCES)).toEqual([]);
    const defective = judgePosition(FED, reference, new Float32Array(0), DEFAULT_TOLERANCES);
    expect(judgePrompt(positions(POSITIONS_FOR_A_MEAN, defective), DEFAULT_TOLERANCES)).toEqual([]);
  });
});
