import { beforeAll, describe, expect, test } from '@jest/globals';
import { FileError, floatToHalf, halfToFloat, UsageError } from '@npu-llama/format';
import { argmax } from '../../src/compare/index.js';
import { DEFAULT_TOLERANCES, type VerifyOptions, verifyPrompts } from '../../src/index.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import { FakeNpu, type Fault } from '../support/fake-npu.js';
import { randomWeights, TINY } from '../support/models.js';
import { naiveLogits } from '../support/naive-model.js';

let weights: ReferenceWeights;
beforeAll(async () => {
  weights = await randomWeights({ config: TINY, seed: 3 });
});

const EMPTY = { number: 1, text: '', tokens: [1] };
const FIVE = { number: 2, text: 'five', tokens: [1, 30, 40, 50, 60] };

async function verify(fault?: Fault, options: Partial<VerifyOptions> = {}) {
  const npu = new FakeNpu(weights, fault);
  const result = await verifyPrompts({ weights, npu, prompts: [EMPTY, FIVE], ...options });
  return { npu, result, failures: result.prompts.flatMap(failuresOf) };
}

function failuresOf({
  prompt,
  positions,
  failures,
}: Awaited<ReturnType<typeof verifyPrompts>>['prompts'][number]) {
  return [
    ...positions.flatMap(({ position, failures }) =>
      failures.map(({ kind }) => `${prompt.number}/${position} ${kind}`),
    ),
    ...failures.map(({ kind }) => `${prompt.number} ${kind}`),
  ];
}

describe('what is fed', () => {
  test("the prompt in one batch, then the reference's own choices one by one", async () => {
    const { npu, result } = await verify(undefined, { prompts: [FIVE], positionCount: 8 });
    const session = new ReferenceSession(weights, 8);
    const sixth = argmax(await session.forward(FIVE.tokens, 0, { logits: 'last' }));
    const seventh = argmax(await session.forward([sixth], 5));
    const eighth = argmax(await session.forward([seventh], 6));
    expect(npu.calls).toEqual([
      [FIVE.tokens, 0],
      [[sixth], 5],
      [[seventh], 6],
      [[eighth], 7],
    ]);
    expect(result.prompts[0]!.positions.map(({ token }) => token)).toEqual([
      ...FIVE.tokens,
      sixth,
      seventh,
      eighth,
    ]);
  });

  test("the reference's choice also where the NPU chooses otherwise", async () => {
    const honest = await verify(undefined, { prompts: [EMPTY] });
    const lying = await verify(logits => logits.map(logit => -logit), { prompts: [EMPTY] });
    expect(lying.npu.calls).toEqual(honest.npu.calls);
  });

  test('long prompts in batches of 64', async () => {
    const long = await randomWeights({ config: { ...TINY, seqLen: 150 } });
    const npu = new FakeNpu(long);
    const tokens = Array.from({ length: 130 }, (_, i) => i);
    const { prompts } = await verifyPrompts({
      weights: long,
      npu,
      prompts: [{ number: 1, text: 'long', tokens }],
    });
    expect(npu.calls.map(([batch, first]) => [batch.length, first])).toEqual([
      [64, 0],
      [64, 64],
      [2, 128],
    ]);
    expect(prompts[0]!.positions).toHaveLength(130);
  });

  test('nothing after BOS is drawn', async () => {
    const classifier = new Float32Array(weights.classifier.length);
    const bosOnly = { ...weights, classifier };
    // All logits 0 but BOS's, which follows the sign of x[0]; flip it so that it wins.
    classifier[TINY.dim] = 1;
    const sign = (await new ReferenceSession(bosOnly, 1).forward([1], 0))[1]!;
    classifier[TINY.dim] = Math.sign(sign) * 5;
    const { prompts } = await verifyPrompts({
      weights: bosOnly,
      npu: new FakeNpu(bosOnly),
      prompts: [EMPTY],
    });
    expect(prompts[0]!.positions).toHaveLength(1);
    expect(prompts[0]!.positions[0]!.referenceToken).toBe(1);
  });

  test.each([
    ['by default all that fit', undefined, [24, 24]],
    ['as many as asked for', 5, [5, 5]],
  ])('%s', async (_, positionCount, wanted) => {
    const { result } = await verify(undefined, positionCount === undefined ? {} : { positionCount });
    expect(result.prompts.map(({ positions }) => positions.length)).toEqual(wanted);
  });
});

describe('verdicts', () => {
  test('rounding passes', async () => {
    const { result, failures } = await verify();
    expect(failures).toEqual([]);
    expect(result.passed).toBe(true);
    expect(result.tolerances).toBe(DEFAULT_TOLERANCES);
  });

  test.each<[string, Fault, string[]]>([
    [
      'one wrong logit that wins',
      spoil(4, logits => logits.fill(99, 7, 8)),
      [
        '1/4 token',
        '1/4 positionRms',
        '1/4 klDivergence',
        '2/4 token',
        '2/4 positionRms',
        '2/4 klDivergence',
        '1 meanRms',
        '2 meanRms',
      ],
    ],
    ['a NaN', spoil(2, logits => logits.fill(Number.NaN, 7, 8)), ['1/2 notFinite', '2/2 notFinite']],
    [
      'an infinity',
      spoil(2, logits => logits.fill(Number.POSITIVE_INFINITY, 0, 1)),
      ['1/2 notFinite', '2/2 notFinite'],
    ],
    ['one logit too few', spoil(9, logits => logits.subarray(1)), ['1/9 length', '2/9 length']],
  ])('%s fails, at its position', async (_, fault, wanted) => {
    const { result, failures } = await verify(fault);
    expect(failures.sort()).toEqual(wanted.sort());
    expect(result.passed).toBe(false);
  });

  test.each<[string, Fault]>([
    ['zeros', logits => logits.fill(0)],
    [
      'logits of the neighbour',
      logits => Float32Array.from(logits, (_, i) => logits[(i + 1) % logits.length]!),
    ],
    ['the wrong sign', logits => logits.map(logit => -logit)],
    ['logits shifted by 1, which keeps every token', logits => logits.map(logit => logit + 1)],
    ['logits 2 % too large, which keeps every token', logits => logits.map(logit => logit * 1.02)],
    ['16 rows of zeros', logits => logits.fill(0, 32, 48)],
  ])('%s everywhere fails both prompts', async (_, fault) => {
    const { result, failures } = await verify(fault);
    expect(result.passed).toBe(false);
    expect(new Set(failures.map(failure => failure[0]))).toEqual(new Set(['1', '2']));
  });

  test('the best two swapped passes within the tolerance, fails beyond', async () => {
    const swap: Fault = logits => {
      const best = argmax(logits);
      const second = argmax(logits.map((logit, i) => (i === best ? Number.NEGATIVE_INFINITY : logit)));
      [logits[best], logits[second]] = [logits[second]!, logits[best]!];
      return logits;
    };
    const only = { margin: 0, positionRms: 10, meanRms: 10, klDivergence: 10 };
    const { result } = await verify(swap, { prompts: [EMPTY], tolerances: only });
    const comparisons = result.prompts[0]!.positions.map(({ comparison }) => comparison!);
    const largest = Math.max(...comparisons.map(({ margin, spread }) => margin / spread));
    expect(result.passed).toBe(false);
    expect(
      (await verify(swap, { prompts: [EMPTY], tolerances: { ...only, margin: largest } })).result.passed,
    ).toBe(true);
    const { failures } = await verify(swap, {
      prompts: [EMPTY],
      tolerances: { ...only, margin: largest * 0.999 },
    });
    expect(failures).toHaveLength(1);
  });

  test('FP16 weights and inputs with exact sums pass', async () => {
    const half = (value: number): number => halfToFloat(floatToHalf(value));
    const npu = {
      createSession: () => {
        const text: number[] = [];
        return {
          forward: async (tokens: readonly number[], firstPosition: number) => {
            text.splice(firstPosition, text.length, ...tokens);
            return Float32Array.from(
              naiveLogits(weights, text, { weight: half, input: half }).slice(firstPosition).flat(),
            );
          },
          close: async () => {},
        };
      },
    };
    const { passed, prompts } = await verifyPrompts({
      weights,
      npu,
      prompts: [EMPTY, FIVE],
      positionCount: 16,
    });
    expect(passed).toBe(true);
    // It is FP16: were there no difference at all, this would have compared the reference with itself.
    expect(prompts[0]!.positions[0]!.comparison!.relativeRms).toBeGreaterThan(1e-4);
  });
});

describe('ends', () => {
  test('sessions are closed after success and after an error of the device', async () => {
    const { npu } = await verify();
    expect(npu.openSessions).toBe(0);
    const broken = new FakeNpu(weights, (logits, position) => {
      if (position === 3) throw new Error('SUBMIT timed out');
      return logits;
    });
    await expect(verifyPrompts({ weights, npu: broken, prompts: [EMPTY] })).rejects.toThrow(
      'SUBMIT timed out',
    );
    expect(broken.openSessions).toBe(0);
  });

  test('a signal ends it within a position, with its reason', async () => {
    const controller = new AbortController();
    const npu = new FakeNpu(weights);
    const onPosition = (done: number): void => {
      if (done === 3) controller.abort(new Error('enough'));
    };
    const verifying = verifyPrompts({
      weights,
      npu,
      prompts: [EMPTY],
      signal: controller.signal,
      onPosition,
    });
    await expect(verifying).rejects.toThrow('enough');
    expect(npu.calls).toHaveLength(4);
    expect(npu.openSessions).toBe(0);
  });

  test('a reference that is not finite judges nothing', async () => {
    const broken = { ...weights, rmsFinal: weights.rmsFinal.map(() => Number.NaN) };
    const verifying = verifyPrompts({ weights: broken, npu: new FakeNpu(weights), prompts: [EMPTY] });
    await expect(verifying).rejects.toThrow(FileError);
    await expect(verifying).rejects.toThrow(/reference's own logits are not finite at position 0: got NaN/);
  });

  test.each([
    ['no positions', { positionCount: 0 }, 'impossible number of positions: got 0, wanted 1 to 24'],
    [
      'more than the model has',
      { positionCount: 25 },
      'impossible number of positions: got 25, wanted 1 to 24',
    ],
    [
      'fewer than the prompt',
      { positionCount: 4 },
      'prompt 2 "five" does not fit: got 5 tokens, wanted 1 to 4',
    ],
    ['a prompt of nothing', { prompts: [{ ...EMPTY, tokens: [] }] }, 'got 0 tokens'],
    [
      'a prompt beyond seq_len',
      { prompts: [{ ...FIVE, tokens: Array(25).fill(1) }] },
      'got 25 tokens, wanted 1 to 24',
    ],
  ])('rejects %s before anything runs', async (_, options, message) => {
    const npu = new FakeNpu(weights);
    const verifying = verifyPrompts({ weights, npu, prompts: [EMPTY, FIVE], ...options });
    await expect(verifying).rejects.toThrow(UsageError);
    await expect(verifying).rejects.toThrow(message);
    expect(npu.calls).toEqual([]);
  });
});

function spoil(at: number, how: Fault): Fault {
  return (logits, position) => (position === at ? how(logits, position) : logits);
}
