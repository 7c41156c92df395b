import { beforeAll, describe, expect, test } from '@jest/globals';
import { Sampler } from '@npu-llama/runtime';
import { argmax, DEFAULT_TOLERANCES } from '../../src/compare/index.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import {
  chooser,
  comparePrompt,
  type Draw,
  ReferenceSampler,
  type Sampling,
} from '../../src/verify/index.js';
import { FakeNpu, type Fault, faultAt } from '../support/fake-npu.js';
import { packed } from '../support/matrices.js';
import { randomWeights, TINY } from '../support/models.js';

const PROMPT = [1, 30, 40];
const COUNT = 20;
const HOT: Sampling = { temperature: 1, topP: 0.9, seed: 7n };

let weights: ReferenceWeights;
beforeAll(async () => {
  weights = await randomWeights({ config: TINY, seed: 3 });
});

/** The best of the logits loses against another token. */
function prefer(token: number): Fault {
  return logits => logits.fill(logits[argmax(logits)]! + 0.25, token, token + 1);
}

async function compare({
  fault,
  sampling,
  npuDraw,
  positionCount = COUNT,
}: {
  readonly fault?: Fault;
  readonly sampling?: Sampling;
  readonly npuDraw?: Draw;
  readonly positionCount?: number;
} = {}) {
  const npu = new FakeNpu(weights, fault);
  const comparison = await comparePrompt({
    weights,
    npu: npu.createSession(),
    tokens: PROMPT,
    positionCount,
    choose: chooser('free', sampling, npuDraw),
    tolerances: DEFAULT_TOLERANCES,
  });
  const kinds = comparison.positions.flatMap(({ position, failures }) =>
    failures.map(({ kind }) => `${position} ${kind}`),
  );
  return { npu, kinds, ...comparison };
}

/** What the FP32 reference writes by itself. */
async function written(sampling?: Sampling): Promise<number[]> {
  const session = new ReferenceSession(weights, COUNT);
  const sampler = sampling && new ReferenceSampler(sampling);
  const tokens = [...PROMPT];
  let logits = await session.forward(PROMPT, 0, { logits: 'last' });
  while (tokens.length < COUNT) {
    const drawn = sampler?.draw(logits, sampler.coin(tokens.length - PROMPT.length)).token ?? argmax(logits);
    tokens.push(drawn);
    logits = await session.forward([drawn], tokens.length - 1);
  }
  return tokens;
}

const runtimeDraw = (sampling: Sampling): Draw => {
  const sampler = new Sampler(sampling);
  return logits => sampler.sample(logits);
};

describe('greedy', () => {
  test('two that are the same never part', async () => {
    const { fork, tokens, kinds } = await compare();
    expect(fork).toBeUndefined();
    expect(tokens).toEqual(await written());
    expect(kinds).toEqual([]);
  });

  test('an NPU that prefers another token: where, which, and what both think of them', async () => {
    const { fork, tokens, npu, positions, perplexity } = await compare({ fault: faultAt(6, prefer(200)) });
    const text = await written();
    expect(tokens).toEqual(text.slice(0, 7));
    expect(npu.calls.at(-1)).toEqual([[text[6]], 6]);
    expect(positions).toHaveLength(7);
    const logitsAt = async (arithmetic: 'fp32' | 'fp16'): Promise<Float32Array> =>
      new ReferenceSession(weights, COUNT, { arithmetic }).forward(text.slice(0, 7), 0, { logits: 'last' });
    const fp32 = await logitsAt('fp32');
    const fp16 = await logitsAt('fp16');
    const wanted = text[7]!;
    const npuLogit = Math.fround(fp16[argmax(fp16)]! + 0.25);
    expect(fork).toEqual({
      position: 6,
      reference: { token: wanted, logit: fp32[wanted], npuLogit: fp16[wanted] },
      npu: { token: 200, logit: npuLogit, referenceLogit: fp32[200] },
      referenceMargin: fp32[wanted]! - fp32[200]!,
      npuMargin: npuLogit - fp16[wanted]!,
    });
    expect(fork!.referenceMargin).toBeGreaterThan(0);
    expect(fork!.npuMargin).toBeCloseTo(0.25, 5);
    // The last position's next token is on neither side's way.
    expect(perplexity.npu).toBeGreaterThan(1);
  });

  test('within the prompt there is nothing to choose; its last position is where the first choice is', async () => {
    const inside = await compare({ fault: faultAt(1, prefer(200)) });
    expect([inside.fork, inside.tokens.length]).toEqual([undefined, COUNT]);
    const after = await compare({ fault: faultAt(2, prefer(200)) });
    expect(after.fork?.position).toBe(2);
    expect(after.tokens).toEqual(PROMPT);
  });

  test('a fork at the last position is one too', async () => {
    const { fork, tokens } = await compare({ fault: faultAt(COUNT - 1, prefer(200)) });
    expect([fork?.position, tokens.length]).toEqual([COUNT - 1, COUNT]);
  });

  test('the first of equals is no fork', async () => {
    const fault: Fault = logits =>
      logits.fill(logits[argmax(logits)]!, argmax(logits) + 1, argmax(logits) + 2);
    expect((await compare({ fault })).fork).toBeUndefined();
  });
});

describe('sampled', () => {
  test('the same seed gives the same tokens on both sides, and they are those of that seed', async () => {
    for (const seed of [1n, 7n, 99n]) {
      const sampling = { ...HOT, seed };
      const { fork, tokens, kinds } = await compare({ sampling, npuDraw: runtimeDraw(sampling) });
      expect([fork, kinds]).toEqual([undefined, []]);
      expect(tokens).toEqual((await written(sampling)).slice(0, tokens.length));
    }
    const [one, other] = await Promise.all([written(HOT), written({ ...HOT, seed: 8n })]);
    expect(one).not.toEqual(other);
    expect(one).not.toEqual(await written());
  });

  test('a temperature of 0 is greedy, whatever the seed', async () => {
    const sampling = { ...HOT, temperature: 0 };
    const { fork, tokens } = await compare({ sampling, npuDraw: runtimeDraw(sampling) });
    expect(fork).toBeUndefined();
    expect(tokens).toEqual(await written());
  });

  test('a runtime that draws something else is a failure there, and forks', async () => {
    const honest = runtimeDraw(HOT);
    let draws = 0;
    const npuDraw: Draw = logits => (++draws === 4 ? (honest(logits) + 1) % TINY.vocabSize : honest(logits));
    const { kinds, fork, positions, tokens } = await compare({ sampling: HOT, npuDraw });
    // The fourth draw comes after three tokens of prompt and three drawn ones.
    expect(kinds).toEqual(['5 sampler']);
    const wanted = (await written(HOT))[6]!;
    expect(positions[5]!.failures).toEqual([{ kind: 'sampler', got: (wanted + 1) % TINY.vocabSize, wanted }]);
    expect(fork).toMatchObject({ position: 5, reference: { token: wanted } });
    expect(tokens).toHaveLength(6);
  });

  test('another seed in the runtime is found at the first draw that it changes', async () => {
    const { kinds } = await compare({ sampling: HOT, npuDraw: runtimeDraw({ ...HOT, seed: 8n }) });
    expect(kinds.at(-1)).toMatch(/ sampler$/);
  });

  test('a coin at a border may fall on either side: no failure, but the ways part', async () => {
    // All tokens equally likely, and a seed whose first coin is as near to a border as rounding.
    const zeros = new Float32Array(TINY.vocabSize * TINY.dim);
    const flat = { ...weights, classifier: packed(zeros, TINY.dim) };
    const samplings = Array.from({ length: 2000 }, (_, i) => ({
      temperature: 1,
      topP: 0,
      seed: BigInt(i + 1),
    }));
    const firstDraw = (sampling: Sampling) => {
      const sampler = new ReferenceSampler(sampling);
      return sampler.draw(new Float32Array(TINY.vocabSize), sampler.coin(0));
    };
    const sampling = samplings.find(each => firstDraw(each).asGood.length === 2)!;
    const { token, asGood } = firstDraw(sampling);
    const comparison = await comparePrompt({
      weights: flat,
      npu: new FakeNpu(flat).createSession(),
      tokens: [1],
      positionCount: 4,
      choose: chooser('free', sampling, () => asGood.find(other => other !== token)!),
      tolerances: DEFAULT_TOLERANCES,
    });
    expect(comparison.positions.flatMap(({ failures }) => failures)).toEqual([]);
    expect(comparison.fork?.position).toBe(0);
  });
});

describe('logits that cannot be compared', () => {
  test.each<[string, Fault, string]>([
    ['NaN', logits => logits.fill(Number.NaN), 'notFinite'],
    ['a single infinity', logits => logits.fill(Number.POSITIVE_INFINITY, 3, 4), 'notFinite'],
    ['too few', logits => logits.subarray(1), 'length'],
    ['too many', logits => Float32Array.of(...logits, 0), 'length'],
  ])('%s: the text ends there, with that failure and no fork', async (_, fault, kind) => {
    for (const sampling of [undefined, HOT]) {
      const npuDraw = runtimeDraw(sampling ?? { ...HOT, temperature: 0 });
      const { kinds, fork, tokens, failures } = await compare({
        fault: faultAt(6, fault),
        npuDraw,
        ...(sampling && { sampling }),
      });
      expect(kinds).toEqual([`6 ${kind}`]);
      expect([fork, tokens.length, failures]).toEqual([undefined, 7, []]);
    }
  });

  test('in the prompt nothing is chosen yet: it goes on', async () => {
    const { kinds, tokens } = await compare({ fault: faultAt(1, logits => logits.fill(Number.NaN)) });
    expect(kinds).toEqual(['1 notFinite']);
    expect(tokens).toHaveLength(COUNT);
  });
});
