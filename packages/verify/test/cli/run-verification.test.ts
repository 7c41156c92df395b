import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { randomVocabulary, writeRandomCheckpoint, writeRandomTokenizer } from '@npu-llama/fixtures';
import { CheckpointFile, FileError, UsageError } from '@npu-llama/format';
import type { Options } from '../../src/cli/options.js';
import { runVerification } from '../../src/cli/run-verification.js';
import type { OpenNpuOptions } from '../../src/npu/npu-under-test.js';
import { sha256OfCheckpoint } from '../../src/verify/index.js';
import { FakeNpu, type Fault, fakeDevice } from '../support/fake-npu.js';
import { TemporaryFolder, TINY, weightsOf } from '../support/models.js';
import { writeHollowNpuFile } from '../support/npu-file.js';

const folder = new TemporaryFolder();
const checkpoint = folder.file('model.bin');
const model = folder.file('model.npu');
const modelWithoutTokenizer = folder.file('bare.npu');
const never = new AbortController().signal;

const OPTIONS: Options = {
  model,
  reference: checkpoint,
  prompts: [''],
  positionCount: undefined,
  tokenizer: undefined,
  device: 'sim',
  devicePath: undefined,
  json: false,
};

let output: string;
let errors: string;
let closed = 0;
beforeAll(async () => {
  writeRandomCheckpoint(checkpoint, { config: TINY, seed: 4 });
  using file = CheckpointFile.open(checkpoint);
  const facts = { config: TINY, sharedClassifier: true, sha256: await sha256OfCheckpoint(file) };
  writeHollowNpuFile(model, { ...facts, vocabulary: randomVocabulary(TINY.vocabSize, 1) });
  writeHollowNpuFile(modelWithoutTokenizer, facts);
});
afterAll(() => folder[Symbol.dispose]());
beforeEach(() => {
  output = '';
  errors = '';
  closed = 0;
  jest.spyOn(process.stdout, 'write').mockImplementation(text => {
    output += text;
    return true;
  });
  jest.spyOn(process.stderr, 'write').mockImplementation(text => {
    errors += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Runs with a fake NPU of the reference's own logits. */
async function run(options: Partial<Options> = {}, fault?: Fault, signal = never) {
  const asked: OpenNpuOptions[] = [];
  const status = await runVerification(
    { ...OPTIONS, ...options },
    async request => {
      asked.push(request);
      const fake = new FakeNpu(await weightsOf(checkpoint), fault);
      return {
        ...fakeDevice('a fake NPU'),
        createSession: () => fake.createSession(),
        close: async () => {
          closed++;
        },
      };
    },
    signal,
  );
  return { status, asked };
}

describe('verdicts', () => {
  test('a right NPU: a line for the prompt, a line for all, status 0', async () => {
    expect((await run()).status).toBe(0);
    expect(output.split('\n')).toEqual([
      expect.stringMatching(/^prompt 1 "": 24 positions, 0 differ; /),
      expect.stringMatching(
        /^PASS: 24 positions, 0 differ; .*; NPU: a fake NPU; reference .* tok\/s, NPU .* tok\/s$/,
      ),
      '',
    ]);
    expect(closed).toBe(1);
  });

  test('a wrong NPU: a line for every position that differs, status 1', async () => {
    const { status } = await run({ positionCount: 3 }, logits => logits.map(logit => -logit));
    expect(status).toBe(1);
    expect(output.match(/^prompt 1, position [012], after /gm)).toHaveLength(3);
    expect(output).toMatch(/^FAIL: 3 positions, 3 differ; /m);
    expect(closed).toBe(1);
  });

  test('--json: one document and nothing else', async () => {
    const { status } = await run({ json: true, prompts: ['', 'tea'], positionCount: 6 });
    expect(status).toBe(0);
    const document = JSON.parse(output);
    expect(document).toMatchObject({
      schemaVersion: 1,
      verdict: 'pass',
      device: { description: 'a fake NPU' },
    });
    expect(document.prompts.map(({ positions }: { positions: unknown[] }) => positions.length)).toEqual([
      6, 6,
    ]);
  });

  test('-n 0 compares all positions that the model has', async () => {
    await run({ positionCount: 0 });
    expect(output).toContain('PASS: 24 positions');
  });
});

describe('what the device is asked for', () => {
  test('the model, the kind, the path', async () => {
    const { asked } = await run({ device: 'rknpu', devicePath: '/dev/dri/card7', positionCount: 1 });
    expect(asked).toEqual([
      expect.objectContaining({ model, device: 'rknpu', devicePath: '/dev/dri/card7' }),
    ]);
  });

  test('a fall back to the simulated one is said on stderr', async () => {
    const { asked } = await run({ device: 'auto', positionCount: 1 });
    asked[0]!.onFallback!('no node');
    expect(errors).toBe('verify-npu: no node: verifying the simulated device\n');
  });
});

describe('prompts', () => {
  test('an empty one needs no tokenizer', async () => {
    expect((await run({ model: modelWithoutTokenizer, positionCount: 2 })).status).toBe(0);
  });

  test('any other does', async () => {
    const running = run({ model: modelWithoutTokenizer, prompts: ['', 'tea'] });
    await expect(running).rejects.toThrow(UsageError);
    await expect(running).rejects.toThrow(
      /bare\.npu holds no tokenizer to encode prompt 2 with; name one with -z/,
    );
  });

  test('which -z brings', async () => {
    const tokenizer = folder.file('tokenizer.bin');
    writeRandomTokenizer(tokenizer, TINY.vocabSize);
    const { status } = await run({ model: modelWithoutTokenizer, prompts: ['tea'], tokenizer });
    expect(status).toBe(0);
    expect(output).toContain('prompt 1 "tea"');
  });

  test('one that does not fit is refused before the device is opened', async () => {
    await expect(run({ prompts: ['tea '.repeat(50)] })).rejects.toThrow(/does not fit/);
    expect(closed).toBe(0);
  });
});

describe('files', () => {
  test('a checkpoint that the model was not made from', async () => {
    const other = folder.file('other.bin');
    writeRandomCheckpoint(other, { config: TINY, seed: 5 });
    const running = run({ reference: other });
    await expect(running).rejects.toThrow(FileError);
    await expect(running).rejects.toThrow(/was not made from this reference/);
  });

  test('a tokenizer of another vocabulary', async () => {
    const tokenizer = folder.file('larger.bin');
    writeRandomTokenizer(tokenizer, TINY.vocabSize + 1);
    await expect(run({ tokenizer })).rejects.toThrow(/larger\.bin: is the tokenizer of a larger vocabulary/);
  });

  test.each(['model', 'reference'] as const)('an empty file as %s', async name => {
    const empty = folder.file('empty');
    writeFileSync(empty, '');
    await expect(run({ [name]: empty })).rejects.toThrow(/empty: is empty/);
  });
});

test('a signal ends it with its reason, the device closed', async () => {
  const controller = new AbortController();
  const fault: Fault = (logits, position) => {
    if (position === 2) controller.abort(new Error('enough'));
    return logits;
  };
  await expect(run({}, fault, controller.signal)).rejects.toThrow('enough');
  expect(closed).toBe(1);
});
