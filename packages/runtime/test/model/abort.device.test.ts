import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { openDevice } from '../../src/device/index.js';
import { loadModel } from '../../src/model/index.js';
import { generate, Sampler } from '../../src/text/index.js';
import { rejectionOf } from '../support/errors.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const BATCH_ROWS = 64;
const BATCHES = 4;
const PROMPT = Array.from({ length: BATCH_ROWS * BATCHES }, (_, token) => 1 + (token % 200));

describeDevice('a prompt of several batches', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    simulate();
    Object.assign(files, await randomModel(folder, 'model', { config: { ...TINY, seqLen: 300 } }));
  });
  afterAll(() => folder[Symbol.dispose]());

  test.each([0, 1, 2])(
    'aborted in batch %i ends with it, and the session is good for another',
    async batch => {
      await using device = await openDevice({ kind: 'sim' });
      await using model = await loadModel(device, files.model);
      const controller = new AbortController();
      const reason = new Error('enough');
      const seen = new Set<number>();
      await using session = model.createSession({
        onProduct: ({ firstPosition }) => {
          seen.add(firstPosition / BATCH_ROWS);
          // A signal handler has its turn between batches.
          if (firstPosition === batch * BATCH_ROWS) setImmediate(() => controller.abort(reason));
        },
      });
      const { signal } = controller;
      expect(await rejectionOf(session.forwardBatch(PROMPT, 0, { logits: 'last', signal }))).toBe(reason);
      expect([...seen]).toEqual(Array.from({ length: batch + 1 }, (_, index) => index));
      expect(session.length).toBe(0);
      await using other = model.createSession();
      const wanted = await other.forwardBatch(PROMPT, 0, { logits: 'last' });
      expect(await session.forwardBatch(PROMPT, 0, { logits: 'last' })).toEqual(wanted);
    },
  );

  test('aborted while it is generated from says so without a token more', async () => {
    await using device = await openDevice({ kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await using session = model.createSession();
    const controller = new AbortController();
    const reason = new Error('enough');
    const tokens = generate(session, {
      tokenizer: model.tokenizer!,
      sampler: new Sampler({ temperature: 0, seed: 1 }),
      prompt: PROMPT,
      signal: controller.signal,
    });
    setImmediate(() => controller.abort(reason));
    expect(await rejectionOf(tokens.next())).toBe(reason);
  });
});
