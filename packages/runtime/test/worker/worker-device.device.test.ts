import { types } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { UsageError } from '@npu-llama/format';
import { type NpuDevice, openDevice } from '../../src/device/index.js';
import { DeviceError, ModelLimitError, NumericError } from '../../src/errors.js';
import { loadModel, type NpuModel, type Session } from '../../src/model/index.js';
import { WORDS_A_TURN } from '../../src/text/in-turns.js';
import { generate, Sampler, Tokenizer } from '../../src/text/index.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const PROMPT = Array.from({ length: 90 }, (_, i) => (i * 53 + 1) % TINY.vocabSize);
const IN_WORKER = { kind: 'sim', worker: true } as const;

describeDevice('a device in a worker', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  /** Runs `body` with a model in a worker, and checks that nothing of it stays. */
  async function withModel(body: (model: NpuModel, session: Session) => Promise<void>): Promise<void> {
    {
      await using device = await openDevice(IN_WORKER);
      await using model = await loadModel(device, files.model);
      await using session = model.createSession();
      await body(model, session);
    }
    expect(leftBehind()).toEqual(NOTHING);
  }

  async function everything(device: NpuDevice): Promise<unknown> {
    await using model = await loadModel(device, files.model);
    await using session = model.createSession();
    const all = Array.from(await session.forwardBatch(PROMPT, 0, { logits: 'all' }));
    const tokens: number[] = [];
    const options = { tokenizer: model.tokenizer!, sampler: new Sampler({ seed: 5 }), prompt: 'the sea' };
    for await (const { token } of generate(session, options)) tokens.push(token);
    const product = Array.from(await model.multiply('layers.1.w2', new Float32Array(144).fill(0.5), 2));
    const { config, description, path, dmaBytes, maxRows, matrices, tokenizer, counters } = model;
    const { deviceMs: _, ...counted } = counters;
    const { vocabulary } = tokenizer!;
    const { kind, cores, decodeRows, ffi, driver } = device;
    const driverFacts = [driver.description, driver.taskRecordBytes, driver.dmaBytesInUse];
    const facts = [kind, cores, decodeRows, ffi, device.description, driverFacts];
    // Where memory was free differs.
    const first = matrices[0]!.buffer.dmaAddress;
    const placed = matrices.map(matrix => {
      return { ...matrix, buffer: { ...matrix.buffer, dmaAddress: matrix.buffer.dmaAddress - first } };
    });
    const ofModel = [config, description, path, dmaBytes, maxRows, placed, vocabulary, counted];
    return { all, tokens, product, facts, ofModel, length: session.length };
  }

  test('says and computes what one in this thread does: logits, text, products, counters, plan, tokenizer', async () => {
    await using local = await openDevice({ kind: 'sim' });
    await using remote = await openDevice(IN_WORKER);
    const wanted = await everything(local);
    expect(await everything(remote)).toEqual(wanted);
  });

  test('leaves this thread to others while it computes', async () => {
    await withModel(async (_, session) => {
      /** Of the event loop during one pass, which has no turn of its own in between where this thread computes it. */
      const turnsOfPass = async (): Promise<number> => {
        let turns = 0;
        let computing = true;
        const turn = (): void => {
          turns++;
          if (computing) setImmediate(turn);
        };
        setImmediate(turn);
        await session.forwardBatch(PROMPT.slice(0, 64), 0, { logits: 'last' });
        computing = false;
        return turns;
      };
      // On a busy machine this thread may be kept waiting through a pass, but not through all of them.
      let turns = 0;
      for (let pass = 0; pass < 50 && turns <= 1; pass++) turns = await turnsOfPass();
      expect(turns).toBeGreaterThan(1);
    });
  });

  test('makes the tokenizer of a loaded model in turns, and ends with the abortion in between', async () => {
    const config = { ...TINY, vocabSize: 2 * WORDS_A_TURN + 1 };
    const { model: path } = await randomModel(folder, 'words', { config });
    await using device = await openDevice(IN_WORKER);
    const turns = jest.spyOn(globalThis, 'setImmediate');
    try {
      await using model = await loadModel(device, path);
      // One when it is loaded, two while it is unpacked and three for its table.
      expect(turns.mock.calls.length).toBe(6);
      expect(model.tokenizer?.vocabulary.pieces.length).toBe(config.vocabSize);
    } finally {
      turns.mockRestore();
    }
    const stop = new AbortController();
    const reason = new Error('enough');
    const loading = rejectionOf(loadModel(device, path, { signal: stop.signal }));
    const made = jest.spyOn(Tokenizer, 'inTurns').mockImplementation(async (_, pause) => {
      stop.abort(reason);
      await pause?.();
      throw new Error('not ended');
    });
    try {
      expect(await loading).toBe(reason);
    } finally {
      made.mockRestore();
    }
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
  });

  test('gives logits in the memory that the worker writes, without a copy', async () => {
    await withModel(async (_, session) => {
      const first = await session.forward(1, 0);
      const copy = Array.from(first);
      expect(types.isSharedArrayBuffer(first.buffer)).toBe(true);
      const second = await session.forward(2, 1);
      expect(second.buffer).toBe(first.buffer);
      expect(Array.from(second)).not.toEqual(copy);
    });
  });

  test('runs what is asked for in the order it was asked for, and each session on its own', async () => {
    await withModel(async (model, one) => {
      await using two = model.createSession();
      const [a, b] = await Promise.all([one.forward(1, 0), two.forwardBatch(PROMPT, 0, { logits: 'last' })]);
      const alone = Array.from(a);
      expect(Array.from(b)).not.toEqual(alone);
      const closing = one.forward(1, 0);
      await one.close();
      expect(Array.from(await closing)).toEqual(alone);
      expect((await rejectionOf(one.forward(2, 1))).message).toBe('the session was used after close');
    });
  });

  test('refuses a second call while one is under way', async () => {
    await withModel(async (_, session) => {
      const first = session.forward(1, 0);
      const error = await rejectionOf(session.forward(2, 1));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain('busy with another call');
      await first;
      await session.forward(2, 1);
    });
  });

  test('refuses what takes its memory: programs of your own, products, keys and values, weights, a kernel', async () => {
    await withModel(async (model, session) => {
      const { driver } = model.device;
      const refused = [
        thrownBy(() => driver.allocate({ label: 'mine', bytes: 1, cache: 'cacheable' })),
        thrownBy(() => driver.reset()),
        thrownBy(() => driver.close()),
        thrownBy(() => model.createSession({ onProduct: () => {} })),
        thrownBy(() => session.keyValues),
        thrownBy(() => model.readWeights('classifier')),
        await rejectionOf(openDevice({ ...IN_WORKER, kernel: kernel => kernel })),
      ];
      for (const error of refused) {
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toMatch(/in a worker/);
        expect(error).toHaveProperty('next', expect.any(String));
      }
    });
  });

  test('tells who opens it that it computes wrong', async () => {
    simulate('zero-core=2');
    const told: Error[] = [];
    await using device = await openDevice({ ...IN_WORKER, onWrongProduct: error => told.push(error) });
    expect(device.decodeRows).toBe(4);
    expect(told).toEqual([expect.any(NumericError)]);
  });

  test("is closed again when the listener of its opening throws, whose error is the caller's", async () => {
    simulate('zero-core=2');
    const reason = new Error('no');
    const opening = openDevice({
      ...IN_WORKER,
      onWrongProduct: () => {
        throw reason;
      },
    });
    expect(await rejectionOf(opening)).toBe(reason);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test.each([1, 4 * TINY.layerCount + 1])('frees a model whose listener throws at matrix %i', async nth => {
    await using device = await openDevice(IN_WORKER);
    const reason = new Error('no');
    let seen = 0;
    const onProgress = (): void => {
      if (++seen === nth) throw reason;
    };
    expect(await rejectionOf(loadModel(device, files.model, { onProgress }))).toBe(reason);
    expect(seen).toBe(nth);
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
  });

  test('says with the first call of a session that there is no memory for it', async () => {
    const config = { ...TINY, seqLen: 2 ** 24 };
    const { model: path } = await randomModel(folder, 'long', { config, version: 1 });
    await using device = await openDevice(IN_WORKER);
    await using model = await loadModel(device, path);
    await using session = model.createSession();
    const error = await rejectionOf(session.forward(1, 0));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(await rejectionOf(session.forward(1, 0))).toBeInstanceOf(ModelLimitError);
    expect(session.length).toBe(0);
  });

  describe('whose worker', () => {
    test('works for several models keeps none of what was closed', async () => {
      await using device = await openDevice(IN_WORKER);
      for (let i = 0; i < 5; i++) {
        await using model = await loadModel(device, files.model);
        await using session = model.createSession();
        await session.forward(1, 0);
      }
      expect(device.driver.dmaBytesInUse).toBe(0);
      expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
      expect(simulatorStats().opens).toBe(1n);
    });

    test('is asked to close while a prompt runs ends the prompt with an error', async () => {
      const device = await openDevice(IN_WORKER);
      const model = await loadModel(device, files.model);
      const session = model.createSession();
      const prompt = rejectionOf(session.forwardBatch(PROMPT, 0, { logits: 'last' }));
      await device.close();
      expect(await prompt).toBeInstanceOf(DeviceError);
      await session.close();
      await model.close();
      expect(leftBehind()).toEqual(NOTHING);
    });
  });
});
