import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { CheckpointFile, FileError } from '@npu-llama/format';
import { NumericError, Sampler } from '@npu-llama/runtime';
import { DEFAULT_TOLERANCES } from '../../src/engine/index.js';
import {
  checkPrompt,
  encodeGolden,
  type Golden,
  type GoldenPrompt,
  readGolden,
  recordGolden,
  recordPrompt,
} from '../../src/golden/index.js';
import type { ReferenceWeights } from '../../src/reference/index.js';
import { chooser, comparePrompt, type Draw, type Prompt } from '../../src/verify/index.js';
import { FakeNpu, type Fault, faultAt } from '../support/fake-npu.js';
import { TemporaryFolder, TINY, weightsOf } from '../support/models.js';

const folder = new TemporaryFolder();
const CONFIG = { ...TINY, layerCount: 1, seqLen: 90 };
const SAMPLING = { temperature: 1, topP: 0.9, seed: 7n };
const PROMPTS: readonly Prompt[] = [
  { number: 1, name: '', text: '', tokens: [1], mode: 'forced', positionCount: 20 },
  {
    number: 2,
    name: 'long',
    text: 'long',
    tokens: Array.from({ length: 66 }, (_, i) => i + 1),
    mode: 'forced',
  },
  { number: 3, name: 'free', text: '', tokens: [1, 40], mode: 'free', positionCount: 20 },
  { number: 4, name: 'seed 7', text: '', tokens: [1], mode: 'free', sampling: SAMPLING, positionCount: 20 },
];

let checkpoint: CheckpointFile;
let weights: ReferenceWeights;
let golden: Golden;
beforeAll(async () => {
  writeRandomCheckpoint(folder.file('model.bin'), { config: CONFIG, seed: 3 });
  checkpoint = CheckpointFile.open(folder.file('model.bin'));
  weights = await weightsOf(checkpoint.path);
  golden = await record();
});
afterAll(() => {
  checkpoint.close();
  folder[Symbol.dispose]();
});

function record(prompts = PROMPTS): Promise<Golden> {
  return recordGolden({
    version: '1.2.3',
    checkpoint,
    checkpointSha256: 'a'.repeat(64),
    weights,
    suite: { name: 'nightly', sha256: 'b'.repeat(64) },
    tolerances: DEFAULT_TOLERANCES,
    prompts,
  });
}

/** The record after it was written to a file and read again. */
function readBack(changed: unknown = golden): Golden {
  const path = folder.file('golden.json');
  writeFileSync(path, changed === golden ? encodeGolden(golden) : JSON.stringify(changed));
  return readGolden(path).golden;
}

async function check(number: number, fault?: Fault, npuDraw?: Draw) {
  const npu = new FakeNpu(weights, fault);
  const prompt = readBack().prompts[number - 1]!;
  const comparison = await checkPrompt({
    prompt,
    npu: npu.createSession(),
    vocabSize: CONFIG.vocabSize,
    tolerances: DEFAULT_TOLERANCES,
    ...(npuDraw && { npuDraw }),
  });
  const kinds = comparison.positions.flatMap(({ position, failures }) =>
    failures.map(({ kind }) => `${position} ${kind}`),
  );
  return { npu, prompt, kinds, ...comparison };
}

function runtimeDraw(): Draw {
  const sampler = new Sampler(SAMPLING);
  return logits => sampler.sample(logits);
}

describe('a record', () => {
  test('of the same is the same bytes', async () => {
    expect(encodeGolden(await record())).toBe(encodeGolden(golden));
  });

  test('is read as it was written', () => {
    expect(readBack()).toEqual(golden);
  });

  test('is small: some hundred bytes a position', () => {
    const positions = golden.prompts.flatMap(prompt => prompt.positions);
    expect(encodeGolden(golden).length / positions.length).toBeLessThan(1000);
  });

  test('has the tokens, the costs and the perplexities of a comparison with both references', async () => {
    for (const [i, prompt] of PROMPTS.entries()) {
      const live = await comparePrompt({
        weights,
        npu: new FakeNpu(weights).createSession(),
        tokens: prompt.tokens,
        positionCount: prompt.positionCount ?? 66,
        choose: chooser(prompt.mode, prompt.sampling),
        tolerances: DEFAULT_TOLERANCES,
      });
      const recorded = golden.prompts[i]!;
      expect(recorded.tokens.slice(0, live.tokens.length)).toEqual(live.tokens);
      if (live.fork === undefined) expect(recorded.tokens).toHaveLength(live.tokens.length);
      for (const { position, cost, referenceToken, fp16 } of live.positions) {
        expect(recorded.positions[position]).toMatchObject({ cost, referenceToken });
        expect(recorded.positions[position]!.top[0]).toEqual([fp16!.referenceToken, fp16!.referenceBest]);
      }
      const { fp32, fp16 } = live.perplexity;
      if (live.fork === undefined) {
        expect(recorded.perplexity.fp32).toBeCloseTo(fp32!, 9);
        expect(recorded.perplexity.fp16).toBeCloseTo(fp16!, 9);
      }
    }
  });

  test('keeps projections of every position at first, then of some', () => {
    const sampled = golden.prompts[1]!.positions.flatMap(({ projections }, i) => (projections ? [i] : []));
    expect(sampled).toEqual([...Array.from({ length: 16 }, (_, i) => i), 16, 24, 32, 40, 48, 56, 64]);
  });

  test('a reference whose logits are not finite is not recorded', async () => {
    const broken = { ...weights, rmsFinal: weights.rmsFinal.map(() => Number.NaN) };
    const recording = recordPrompt({ weights: broken, prompt: PROMPTS[0]! });
    await expect(recording).rejects.toThrow(FileError);
    await expect(recording).rejects.toThrow(/own logits are not finite at position 0/);
  });

  test('a signal ends the recording, with its reason', async () => {
    const controller = new AbortController();
    const recording = recordPrompt({
      weights,
      prompt: PROMPTS[0]!,
      signal: controller.signal,
      onPosition: done => {
        if (done === 3) controller.abort(new Error('enough'));
      },
    });
    await expect(recording).rejects.toThrow('enough');
  });
});

describe('a right device', () => {
  test.each([1, 2, 3])('passes prompt %i, over every position of the record', async number => {
    const { kinds, failures, fork, tokens, prompt, perplexity } = await check(number);
    expect({ kinds, failures, fork }).toEqual({ kinds: [], failures: [], fork: undefined });
    expect(tokens).toEqual(prompt.tokens);
    expect(perplexity).toEqual({ ...prompt.perplexity, npu: expect.closeTo(prompt.perplexity.fp16!, 9) });
  });

  test('passes what was drawn with a seed, by its own sampler', async () => {
    const { kinds, fork, tokens, prompt } = await check(4, undefined, runtimeDraw());
    expect({ kinds, fork }).toEqual({ kinds: [], fork: undefined });
    expect(tokens).toEqual(prompt.tokens);
  });

  test('gets the prompt in batches and the rest one by one', async () => {
    const { npu } = await check(2);
    expect(npu.calls.map(([tokens, first]) => [tokens.length, first])).toEqual([
      [64, 0],
      [2, 64],
    ]);
    expect((await check(1)).npu.calls).toHaveLength(20);
  });
});

describe('a wrong device', () => {
  test.each<[string, Fault, string[]]>([
    ['a wrong logit that wins', logits => logits.fill(99, 7, 8), ['token', 'positionRms', 'klDivergence']],
    ['a NaN', logits => logits.fill(Number.NaN, 7, 8), ['notFinite']],
    ['too few logits', logits => logits.subarray(1), ['length']],
    ['16 rows of zeros', logits => logits.fill(0, 32, 48), ['positionRms']],
    [
      'every logit a little off',
      logits => logits.map((logit, i) => logit + (i % 2 ? 0.2 : -0.2)),
      ['positionRms'],
    ],
  ])('%s fails at its position, and at no other', async (_, fault, wanted) => {
    const { kinds, tokens, prompt } = await check(1, faultAt(5, fault));
    expect(kinds).toEqual(expect.arrayContaining(wanted.map(kind => `5 ${kind}`)));
    expect(kinds.filter(kind => !kind.startsWith('5 '))).toEqual([]);
    expect(tokens).toEqual(prompt.tokens);
  });

  test('of a position that is not sampled the top still tells', async () => {
    const { kinds } = await check(
      2,
      faultAt(17, logits => logits.map(logit => logit * 1.1)),
    );
    expect(kinds).toContain('17 positionRms');
  });

  test('in free mode parts where it prefers another token', async () => {
    const { fork, tokens, prompt, perplexity } = await check(
      3,
      faultAt(6, logits => logits.fill(50, 200, 201)),
    );
    const { position, npu, reference, npuMargin, referenceMargin } = fork!;
    expect([position, npu.token, npu.logit, reference.token]).toEqual([6, 200, 50, prompt.tokens[7]]);
    expect(reference.logit).toBe(prompt.positions[6]!.top[0]![1]);
    expect([npuMargin > 0, referenceMargin > 0]).toEqual([true, true]);
    expect(tokens).toEqual(prompt.tokens.slice(0, 7));
    // Those of the record are of more text.
    expect(perplexity).toEqual({ fp32: undefined, fp16: undefined, npu: expect.any(Number) });
  });

  test('in free mode a runtime that draws something else is found', async () => {
    const { kinds } = await check(4, undefined, () => 5);
    expect(kinds.at(-1)).toMatch(/ sampler$/);
  });

  test.each([3, 4])('in free mode NaN ends the text, prompt %i', async number => {
    const { kinds, fork, tokens } = await check(
      number,
      faultAt(4, logits => logits.fill(Number.NaN)),
      runtimeDraw(),
    );
    expect([kinds.at(-1), fork, tokens.length]).toEqual(['4 notFinite', undefined, 5]);
  });

  test('a refusal of the runtime ends the prompt with what was found until then', async () => {
    const { failures, positions } = await check(
      1,
      faultAt(3, () => {
        throw new NumericError('beyond FP16');
      }),
    );
    expect(failures).toEqual([{ kind: 'refused', message: 'beyond FP16' }]);
    expect(positions).toHaveLength(3);
  });

  test('an error of the device is an error', async () => {
    const failing = check(
      1,
      faultAt(3, () => {
        throw new Error('SUBMIT refused');
      }),
    );
    await expect(failing).rejects.toThrow('SUBMIT refused');
  });
});

describe('a record that somebody changed is refused', () => {
  const first = (change: (prompt: GoldenPrompt) => unknown) => ({
    ...golden,
    prompts: [change(golden.prompts[0]!), ...golden.prompts.slice(1)],
  });

  test.each<[string, () => unknown, RegExp]>([
    ['another version', () => ({ ...golden, schemaVersion: 2 }), /schemaVersion will not do/],
    ['an unknown field', () => ({ ...golden, verdict: 'pass' }), /verdict will not do/],
    ['no prompts', () => ({ ...golden, prompts: [] }), /prompts will not do/],
    ['half a hash', () => ({ ...golden, suite: { name: 'x', sha256: 'abc' } }), /suite\.sha256 will not do/],
    [
      'a tolerance of text',
      () => ({ ...golden, tolerances: { ...golden.tolerances, step: '1' } }),
      /tolerances\.step/,
    ],
    [
      'a position too few',
      () => first(p => ({ ...p, positions: p.positions.slice(1) })),
      /a position for each token/,
    ],
    ['a token too many', () => first(p => ({ ...p, tokens: [...p.tokens, 1] })), /a position for each token/],
    [
      'a token beyond the model',
      () => first(p => ({ ...p, tokens: p.tokens.map(() => 301) })),
      /within the model/,
    ],
    [
      'more positions than the model has',
      () => {
        const { checkpoint, ...rest } = first(p => p);
        return { ...rest, checkpoint: { ...checkpoint, config: { ...checkpoint.config, seqLen: 1 } } };
      },
      /within the model/,
    ],
    ['a longer prompt than text', () => first(p => ({ ...p, promptTokens: 21 })), /within the model/],
    ['no prompt at all', () => first(p => ({ ...p, promptTokens: 0 })), /prompts\.0\.promptTokens/],
    [
      'a logit of text',
      () => first(p => ({ ...p, positions: p.positions.map(x => ({ ...x, spread: 'NaN' })) })),
      /prompts\.0\.positions\.0\.spread/,
    ],
    [
      'a top token beyond the model',
      () => first(p => ({ ...p, positions: p.positions.map(x => ({ ...x, top: [[301, 1]] })) })),
      /within the model/,
    ],
    [
      'a seed that is no number',
      () => first(p => ({ ...p, sampling: { ...SAMPLING, seed: 'x' } })),
      /sampling\.seed/,
    ],
  ])('%s', (_, changed, message) => {
    expect(() => readBack(changed())).toThrow(FileError);
    expect(() => readBack(changed())).toThrow(message);
    expect(() => readBack(changed())).toThrow(/golden\.json: is no golden record/);
  });
});
