import { beforeAll, describe, expect, test } from '@jest/globals';
import { BOS_TOKEN, FileError, floatToHalf, halfToFloat, UsageError } from '@npu-llama/format';
import { NumericError } from '@npu-llama/runtime';
import { argmax, compareLogits, DEFAULT_TOLERANCES, logProbability } from '../../src/compare/index.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import { chooser, comparePrompt, type LogitsSession, type PromptComparison } from '../../src/verify/index.js';
import { FakeNpu, type Fault, faultAt } from '../support/fake-npu.js';
import { changeMatrix, packed } from '../support/matrices.js';
import { randomWeights, TINY } from '../support/models.js';
import { naiveLogits } from '../support/naive-model.js';

const FIVE = [1, 30, 40, 50, 60];
const half = (value: number): number => halfToFloat(floatToHalf(value));

let weights: ReferenceWeights;
/** The same model with room for two chunks and more. */
let long: ReferenceWeights;
beforeAll(async () => {
  weights = await randomWeights({ config: TINY, seed: 3 });
  long = await randomWeights({ config: { ...TINY, layerCount: 1, seqLen: 150 }, seed: 3 });
});

type Options = Partial<Parameters<typeof comparePrompt>[0]> & { readonly fault?: Fault };

/** Compares with a fake of the same weights, and closes the session as whoever opened it does. */
async function compare({ fault, ...options }: Options = {}) {
  const npu = new FakeNpu(options.weights ?? weights, fault);
  const session = npu.createSession();
  const comparison = await comparePrompt({
    weights,
    npu: session,
    tokens: FIVE,
    positionCount: 12,
    choose: chooser('forced'),
    tolerances: DEFAULT_TOLERANCES,
    ...options,
  });
  return { npu, ...comparison };
}

/** `3 token` for every failure, `all meanRms` for one of the whole. */
function failuresOf({ positions, failures }: PromptComparison): string[] {
  return [
    ...positions.flatMap(({ position, failures }) => failures.map(({ kind }) => `${position} ${kind}`)),
    ...failures.map(({ kind }) => `all ${kind}`),
  ];
}

/** Logits of every position of a text, each a copy. */
async function logitsOf(
  model: ReferenceWeights,
  tokens: readonly number[],
  arithmetic: 'fp32' | 'fp16',
): Promise<Float32Array[]> {
  const session = new ReferenceSession(model, tokens.length, { arithmetic });
  const rows: Float32Array[] = [];
  for (const [position, token] of tokens.entries()) {
    rows.push((await session.forward([token], position)).slice());
  }
  return rows;
}

const numbersFrom0 = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('what is fed', () => {
  test("the prompt in one batch, then the FP32 reference's best tokens one by one", async () => {
    const { npu, tokens, positions } = await compare();
    const session = new ReferenceSession(weights, 12);
    const expected = [...FIVE];
    let best = argmax(await session.forward(FIVE, 0, { logits: 'last' }));
    while (expected.length < 12) {
      expected.push(best);
      best = argmax(await session.forward([best], expected.length - 1));
    }
    expect(tokens).toEqual(expected);
    expect(npu.calls).toEqual([[FIVE, 0], ...expected.slice(5).map((token, i) => [[token], 5 + i])]);
    expect(positions.map(({ position, token }) => [position, token])).toEqual([...expected.entries()]);
    // The reference's next token is what comes next, but within the prompt.
    expect(positions.slice(4).map(({ referenceToken }) => referenceToken)).toEqual([
      ...expected.slice(5),
      best,
    ]);
  });

  test('the same tokens where the NPU prefers others', async () => {
    const honest = await compare();
    const lying = await compare({ fault: logits => logits.map(logit => -logit) });
    expect(lying.npu.calls).toEqual(honest.npu.calls);
    expect(lying.fork).toBeUndefined();
  });

  test.each([
    [1, 70, [1]],
    [63, 66, [63]],
    [64, 66, [64]],
    [65, 66, [64, 1]],
    [130, 131, [64, 64, 2]],
  ])(
    'a prompt of %i tokens in batches of at most 64, %i positions in all',
    async (count, positionCount, batches) => {
      const prompt = numbersFrom0(count);
      const { npu, ...comparison } = await compare({
        weights: long,
        tokens: prompt,
        positionCount,
      });
      const { tokens, positions } = comparison;
      expect(tokens.slice(0, count)).toEqual(prompt);
      const ones = Array(tokens.length - count).fill(1);
      expect(npu.calls.map(([batch]) => batch.length)).toEqual([...batches, ...ones]);
      expect(npu.calls.map(([, first]) => first)).toEqual(
        [...batches, ...ones].map((_, i, sizes) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0)),
      );
      // Every position once, each against the logits of its own: a device that is right has no difference at all.
      expect(positions.map(({ position }) => position)).toEqual(numbersFrom0(positionCount));
      expect(positions.every(({ fp16 }) => fp16?.maxDifference === 0)).toBe(true);
      expect(failuresOf(comparison)).toEqual([]);
    },
  );

  test('nothing after BOS is chosen', async () => {
    const classifier = packed(new Float32Array(TINY.vocabSize * TINY.dim), TINY.dim);
    const bosOnly = { ...weights, classifier };
    const setFirst = (value: number): void =>
      changeMatrix(classifier, rows => rows.fill(value, BOS_TOKEN * TINY.dim, BOS_TOKEN * TINY.dim + 1));
    // All logits are 0 but BOS's, which has the sign of x[0]: turned so that it wins.
    setFirst(1);
    const sign = Math.sign((await new ReferenceSession(bosOnly, 1).forward([1], 0))[BOS_TOKEN]!);
    setFirst(5 * sign);
    const { tokens, positions } = await compare({ weights: bosOnly, tokens: [1] });
    expect(tokens).toEqual([1]);
    expect(positions[0]!.referenceToken).toBe(BOS_TOKEN);
  });

  test('as many positions as asked for, be they just those of the prompt', async () => {
    expect((await compare({ positionCount: 5 })).positions).toHaveLength(5);
    expect((await compare({ positionCount: 24 })).positions).toHaveLength(24);
  });

  test.each([
    ['more positions than the model has', { positionCount: 25 }],
    ['a token that it does not know', { tokens: [1, 301] }],
  ])('refuses %s', async (_, options) => {
    await expect(compare(options)).rejects.toThrow(UsageError);
  });
});

describe('what is found', () => {
  test('nothing, on a device that computes as FP16 does', async () => {
    const comparison = await compare();
    expect(failuresOf(comparison)).toEqual([]);
    expect(comparison.fork).toBeUndefined();
    // FP16 shows against FP32: were there no difference at all, nothing would have been rounded.
    expect(Math.min(...comparison.positions.map(({ fp32 }) => fp32!.relativeRms))).toBeGreaterThan(1e-5);
  });

  test.each<[string, Fault, string[]]>([
    ['a wrong logit that wins', logits => logits.fill(99, 7, 8), ['token', 'positionRms', 'klDivergence']],
    ['a NaN', logits => logits.fill(Number.NaN, 7, 8), ['notFinite']],
    ['an infinity', logits => logits.fill(Number.POSITIVE_INFINITY, 0, 1), ['notFinite']],
    ['zeros', logits => logits.fill(0), ['token', 'positionRms', 'klDivergence']],
    ['a group of 16 rows of zeros', logits => logits.fill(0, 32, 48), ['positionRms', 'klDivergence']],
  ])('%s at one position alone, in the prompt or after it', async (_, fault, kinds) => {
    const honest = await compare();
    for (const at of [0, 3, 4, 5, 11]) {
      const comparison = await compare({ fault: faultAt(at, fault) });
      expect(failuresOf(comparison).filter(failure => !failure.endsWith('token'))).toEqual(
        kinds.filter(kind => kind !== 'token').map(kind => `${at} ${kind}`),
      );
      expect(comparison.tokens).toEqual(honest.tokens);
      // Whatever else is at other positions is not the fault's.
      for (const { position, ...rest } of honest.positions) {
        if (position !== at) expect(comparison.positions[position]).toEqual({ position, ...rest });
      }
    }
  });

  test('the other side of a wrong token: what each prefers, and by how much it is worse', async () => {
    const { positions } = await compare({ fault: faultAt(6, logits => logits.fill(99, 7, 8)) });
    const [, , , , , , six] = await logitsOf(
      weights,
      positions.map(({ token }) => token),
      'fp16',
    );
    const { fp16, failures } = positions[6]!;
    expect(fp16).toMatchObject({
      npuToken: 7,
      npuBest: 99,
      referenceToken: argmax(six!),
      maxDifferenceToken: 7,
    });
    expect(failures[0]).toMatchObject({
      kind: 'token',
      yardstick: 'fp16',
      got: six![argmax(six!)]! - six![7]!,
    });
  });

  test.each([
    ['one too few, of a single position', faultAt(9, logits => logits.subarray(1)), { 9: [300, 301] }],
    ['one too many', faultAt(9, logits => Float32Array.of(...logits, 1)), { 9: [302, 301] }],
    [
      'one too few of a batch: nobody knows of which position',
      faultAt(2, logits => logits.subarray(1)),
      Object.fromEntries([0, 1, 2, 3, 4].map(position => [position, [5 * 301 - 1, 301]])),
    ],
  ])('logits in the wrong number, %s', async (_, fault, wanted) => {
    const comparison = await compare({ fault });
    const found = comparison.positions.flatMap(({ position, failures }) =>
      failures.flatMap(failure =>
        failure.kind === 'length' ? [[String(position), [failure.got, failure.wanted]] as const] : [],
      ),
    );
    expect(Object.fromEntries(found)).toEqual(wanted);
    expect(comparison.positions).toHaveLength(12);
  });

  test('positions are judged against FP16-aware values: those of the plain formulas with FP16 weights and inputs', async () => {
    const text: number[] = [];
    const naive: LogitsSession = {
      forward: async (tokens, firstPosition) => {
        text.splice(firstPosition, text.length, ...tokens);
        return Float32Array.from(
          naiveLogits(weights, text, { weight: half, input: half }).slice(firstPosition).flat(),
        );
      },
      close: async () => {},
    };
    const { positions } = await compare({ npu: naive });
    // Sums in doubles against sums in floats: below what FP16 costs, which is what FP32 sees. At single positions an
    // activation may fall to the other side of a rounding.
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const cost = mean(positions.map(position => position.cost!.relativeRms));
    expect(mean(positions.map(position => position.fp16!.relativeRms))).toBeLessThan(0.5 * cost);
    expect(mean(positions.map(position => position.fp32!.relativeRms)) / cost).toBeCloseTo(1, 0);
  });

  test('FP32 itself is not what the device is held against', async () => {
    const fp32 = new ReferenceSession(weights, 12);
    const strict = { ...DEFAULT_TOLERANCES, fp16: { ...DEFAULT_TOLERANCES.fp16, positionRms: 1e-5 } };
    const npu = { forward: fp32.forward.bind(fp32), close: async () => {} };
    const comparison = await compare({ npu, tolerances: strict });
    expect(comparison.positions.every(position => position.fp32!.maxDifference === 0)).toBe(true);
    expect(new Set(failuresOf(comparison))).toEqual(
      new Set(comparison.positions.map(({ position }) => `${position} positionRms`)),
    );
  });

  test('the cost of FP16 is that of the two references, whatever the device does', async () => {
    const { positions, tokens } = await compare({ fault: logits => logits.fill(0) });
    const fp32 = await logitsOf(weights, tokens, 'fp32');
    const fp16 = await logitsOf(weights, tokens, 'fp16');
    for (const { position, cost } of positions) {
      const { margin, relativeRms, klDivergence } = compareLogits(fp32[position]!, fp16[position]!);
      expect(cost).toEqual({ margin, relativeRms, klDivergence });
    }
  });
});

describe('perplexity', () => {
  /** Straight from the definition: each token against the position before it. */
  function direct(rows: readonly Float32Array[], tokens: readonly number[]): number {
    const logs = tokens.slice(1).map((token, i) => logProbability(rows[i]!, token));
    return Math.exp(-logs.reduce((sum, log) => sum + log, 0) / logs.length);
  }

  test.each([
    ['within a chunk', 5, 12],
    ['over the border of a chunk', 62, 70],
    ['of a prompt that is a chunk, and nothing else', 64, 64],
    ['ending with a chunk', 3, 64],
  ])('%s, of all three, is that of the tokens that were fed', async (_, count, positionCount) => {
    const prompt = numbersFrom0(count);
    const twice: Fault = logits => logits.map(logit => 2 * logit);
    const { tokens, perplexity } = await compare({
      weights: long,
      tokens: prompt,
      positionCount,
      fault: twice,
    });
    const fp16 = await logitsOf(long, tokens, 'fp16');
    expect(perplexity.fp32).toBeCloseTo(direct(await logitsOf(long, tokens, 'fp32'), tokens), 8);
    expect(perplexity.fp16).toBeCloseTo(direct(fp16, tokens), 8);
    expect(perplexity.npu).toBeCloseTo(
      direct(
        fp16.map(row => twice(row, 0)),
        tokens,
      ),
      8,
    );
  });

  test('of one token there is none; of a NaN it is NaN, the references untouched', async () => {
    expect((await compare({ tokens: [1], positionCount: 1 })).perplexity).toEqual({
      fp32: undefined,
      fp16: undefined,
      npu: undefined,
    });
    const { perplexity } = await compare({ fault: faultAt(1, logits => logits.fill(Number.NaN)) });
    expect(perplexity.npu).toBeNaN();
    expect(perplexity.fp32).toBeGreaterThan(1);
  });
});

describe('who is told', () => {
  test("of the NPU's logits: every position in turn, as the device gave them", async () => {
    const seen: [number, Float32Array][] = [];
    const { tokens } = await compare({
      weights: long,
      tokens: numbersFrom0(66),
      positionCount: 68,
      onNpuLogits: (position, logits) => seen.push([position, logits.slice()]),
    });
    const wanted = await logitsOf(long, tokens, 'fp16');
    expect(seen.map(([position]) => position)).toEqual(numbersFrom0(68));
    for (const [position, logits] of seen) expect(logits).toEqual(wanted[position]);
  });

  test('of progress: how many positions are done, call by call', async () => {
    const done: number[] = [];
    await compare({ positionCount: 8, onPosition: count => done.push(count) });
    expect(done).toEqual([5, 6, 7, 8]);
  });
});

describe('ends', () => {
  const refusal = new NumericError('an activation is beyond FP16', { got: '70000' });

  test.each([
    ['at once', 0, 0],
    ['at the end of the prompt', 4, 0],
    ['after the prompt', 7, 7],
  ])('a refusal of the runtime %s ends the prompt with what was found until then', async (_, at, judged) => {
    const refusing = faultAt(at, () => {
      throw refusal;
    });
    const { tokens, positions, failures } = await compare({ fault: refusing });
    expect(failures).toEqual([{ kind: 'refused', message: refusal.message }]);
    expect([tokens.length, positions.length]).toEqual([judged, judged]);
    expect(positions.every(({ failures }) => failures.length === 0)).toBe(true);
  });

  test.each([
    ['a device that fails', new Error('SUBMIT timed out')],
    ['a file or option', new UsageError('position out of turn')],
  ])('%s is an error, not a failure of its numbers', async (_, error) => {
    const failing = faultAt(6, () => {
      throw error;
    });
    await expect(compare({ fault: failing })).rejects.toBe(error);
  });

  test('a signal ends it within a position, with its reason', async () => {
    const controller = new AbortController();
    const npu = new FakeNpu(weights);
    const comparing = compare({
      npu: npu.createSession(),
      signal: controller.signal,
      onPosition: done => {
        if (done === 7) controller.abort(new Error('enough'));
      },
    });
    await expect(comparing).rejects.toThrow('enough');
    // The prompt, and two tokens.
    expect(npu.calls).toHaveLength(3);
  });

  test('a signal that was given before anything ran lets nothing run', async () => {
    const npu = new FakeNpu(weights);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(compare({ npu: npu.createSession(), signal })).rejects.toThrow('enough');
    expect(npu.calls).toEqual([]);
  });

  test('a reference that is not finite judges nothing, and is the checkpoint’s fault', async () => {
    const broken = { ...weights, rmsFinal: weights.rmsFinal.map(() => Number.NaN) };
    const comparing = compare({ weights: broken, npu: new FakeNpu(weights).createSession() });
    await expect(comparing).rejects.toThrow(FileError);
    await expect(comparing).rejects.toThrow(/own logits are not finite at position 0: got NaN for token 0/);
  });
});
