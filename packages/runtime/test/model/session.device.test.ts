import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { checkpointLayout, UsageError } from '@npu-llama/format';
import { openDevice } from '../../src/device/index.js';
import { DeviceError, NumericError } from '../../src/errors.js';
import { loadModel, type NpuModel, type Session } from '../../src/model/index.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { describeEverywhere } from '../support/everywhere.js';
import { judge } from '../support/logits.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const TOKENS = Array.from({ length: 70 }, (_, i) => (i * 53 + 1) % TINY.vocabSize);

/** Logits of each token, run one by one. */
async function oneByOne(session: Session, tokens: readonly number[], first = 0): Promise<number[][]> {
  const rows: number[][] = [];
  for (const [i, token] of tokens.entries()) rows.push(Array.from(await session.forward(token, first + i)));
  return rows;
}

function rowsOf(logits: Float32Array, width: number): number[][] {
  return Array.from({ length: logits.length / width }, (_, row) =>
    Array.from(logits.subarray(row * width, (row + 1) * width)),
  );
}

describeEverywhere('a session', place => {
  const folder = new TemporaryFolder();
  const shared = {} as ModelFiles;
  const separate = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(shared, await randomModel(folder, 'shared', { config: TINY }));
    Object.assign(separate, await randomModel(folder, 'separate', { config: TINY, sharedClassifier: false }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  /** Runs `body` with a model, and checks that nothing of it stays. */
  async function withModel(body: (model: NpuModel) => Promise<void>, path = shared.model): Promise<void> {
    {
      await using device = await openDevice({ ...place, kind: 'sim' });
      await using model = await loadModel(device, path);
      await body(model);
    }
    expect(leftBehind()).toEqual(NOTHING);
  }

  describe.each([
    ['shared', shared],
    ['its own', separate],
  ])('of a model whose classifier is %s', (_, files) => {
    test('gives the same for tokens at once as one by one', async () => {
      await withModel(async model => {
        await using batch = model.createSession();
        await using single = model.createSession();
        const all = rowsOf(await batch.forwardBatch(TOKENS, 0, { logits: 'all' }), TINY.vocabSize);
        // The same products; a device may sum them in another order for another number of rows.
        const singles = await oneByOne(single, TOKENS);
        expect(all.map((row, i) => judge(row, singles[i]!))).toEqual(all.map(() => 'close'));
        await using last = model.createSession();
        const logits = await last.forwardBatch(TOKENS, 0, { logits: 'last' });
        expect(judge(logits, all.at(-1)!)).toBe('close');
        expect([batch.length, single.length, last.length]).toEqual([70, 70, 70]);
      }, files.model);
    });
  });

  test('rewound goes on as if what came behind had never been', async () => {
    await withModel(async model => {
      await using straight = model.createSession();
      const wanted = await oneByOne(straight, [...TOKENS.slice(0, 5), 7, 8, 9]);
      await using rewound = model.createSession();
      await oneByOne(rewound, TOKENS.slice(0, 20));
      expect(await oneByOne(rewound, [7, 8, 9], 5)).toEqual(wanted.slice(5));
      expect(rewound.length).toBe(8);
      // Back to the very beginning, too.
      expect(await oneByOne(rewound, TOKENS.slice(0, 2))).toEqual(wanted.slice(0, 2));
    });
  });

  test('taking turns with another gives what it gives alone', async () => {
    await withModel(async model => {
      const texts = [TOKENS.slice(0, 8), TOKENS.slice(30, 38)];
      const alone: number[][][] = [];
      for (const text of texts) {
        await using session = model.createSession();
        alone.push(await oneByOne(session, text));
      }
      await using first = model.createSession();
      await using second = model.createSession();
      for (let position = 0; position < 8; position++) {
        // Both asked for before either is waited for; logits of one must not be the other's.
        const [a, b] = await Promise.all([
          first.forward(texts[0]![position]!, position),
          second.forward(texts[1]![position]!, position),
        ]);
        expect([Array.from(a), Array.from(b)]).toEqual([alone[0]![position], alone[1]![position]]);
      }
    });
  });

  test('on the same device as another model gives what it gives alone', async () => {
    let alone: number[][] = [];
    await withModel(async model => {
      alone = await oneByOne(model.createSession(), TOKENS.slice(0, 3));
    });
    await withModel(async model => {
      await using other = await loadModel(model.device, separate.model);
      await using session = model.createSession();
      await using otherSession = other.createSession();
      for (const [position, token] of TOKENS.slice(0, 3).entries()) {
        await otherSession.forward(token, position);
        expect(Array.from(await session.forward(token, position))).toEqual(alone[position]);
      }
    });
  });

  test('takes 4 submits a layer and 1, as many syncs, and moves just the bytes it has to', async () => {
    await withModel(async model => {
      await using session = model.createSession();
      await session.forward(1, 0);
      const [counted, before] = [model.counters, simulatorStats()];
      await session.forward(2, 1);
      const after = simulatorStats();
      const jobs = 4 * TINY.layerCount + 1;
      expect(after.submits - before.submits).toBe(BigInt(jobs));
      expect(after.syncsFromDevice - before.syncsFromDevice).toBe(BigInt(jobs));
      expect(after.syncsToDevice).toBe(before.syncsToDevice);
      expect(after.ioctls - before.ioctls).toBe(BigInt(2 * jobs));
      expect([after.allocations, after.opens]).toEqual([before.allocations, before.opens]);
      // K padded: dim 40 -> 64, hidden 72 -> 96. N: wqkv 48 + 32 + 32, wo 48, w13 80 + 80, w2 48, classifier 304.
      const featureBytes = 2 * (TINY.layerCount * (64 + 64 + 64 + 96) + 64);
      const resultBytes = 4 * (TINY.layerCount * (112 + 48 + 160 + 48) + 304);
      expect(Number(after.syncBytesFromDevice - before.syncBytesFromDevice)).toBe(resultBytes);
      const now = model.counters;
      expect({ ...now, deviceMs: now.deviceMs - counted.deviceMs > 0 }).toEqual({
        submits: counted.submits + jobs,
        syncs: counted.syncs + jobs,
        bytesToDevice: counted.bytesToDevice + featureBytes,
        // Without padding: q 40, k 20, v 20, o 40, gate 72, up 72, down 40, logits 300.
        bytesFromDevice:
          counted.bytesFromDevice + 4 * (TINY.layerCount * (40 + 20 + 20 + 40 + 72 + 72 + 40) + 300),
        deviceMs: true,
      });
    });
  });

  test.each([
    ['a token that is not in the vocabulary', [300], 0, 'no such token: got 300, wanted 0 to 299'],
    ['a negative token', [-1], 0, 'no such token: got -1'],
    ['half a token', [1.5], 0, 'no such token: got 1.5'],
    ['no token', [], 0, 'no tokens to run'],
    ['a position behind a gap', [1], 1, 'positions follow each other: got position 1, wanted 0 to 0'],
    ['a negative position', [1], -1, 'positions follow each other: got position -1'],
    [
      'more tokens than positions',
      Array.from({ length: 97 }, () => 1),
      0,
      "beyond the model's seq_len: got position 96, wanted 0 to 95",
    ],
  ])('refuses %s, and stays as it was', async (_, tokens, position, message) => {
    await withModel(async model => {
      await using session = model.createSession();
      const error = await rejectionOf(session.forwardBatch(tokens, position, { logits: 'last' }));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain(message);
      expect([session.length, model.counters.submits]).toEqual([0, 0]);
    });
  });

  test('takes the last position of seq_len', async () => {
    await withModel(async model => {
      await using session = model.createSession();
      await session.forwardBatch(
        Array.from({ length: 96 }, () => 1),
        0,
        { logits: 'last' },
      );
      expect(session.length).toBe(96);
    });
  });

  test('refuses to be used after it, its model or its device was closed, and nothing crashes', async () => {
    const device = await openDevice({ ...place, kind: 'sim' });
    const model = await loadModel(device, shared.model);
    const closed = model.createSession();
    await closed.close();
    await closed.close();
    expect(await rejectionOf(closed.forward(1, 0))).toMatchObject({
      message: 'the session was used after close',
    });

    const ofClosedModel = model.createSession();
    await model.close();
    await model.close();
    expect(await rejectionOf(ofClosedModel.forward(1, 0))).toBeInstanceOf(DeviceError);
    expect(thrownBy(() => model.createSession())).toBeInstanceOf(DeviceError);
    expect(device.driver.dmaBytesInUse).toBe(0);

    const second = await loadModel(device, shared.model);
    const ofClosedDevice = second.createSession();
    await ofClosedDevice.forward(1, 0);
    await device.close();
    const error = await rejectionOf(ofClosedDevice.forward(2, 1));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/used after close/);
    expect(thrownBy(() => second.createSession())).toBeInstanceOf(DeviceError);
    await second.close();
    expect(await rejectionOf(loadModel(device, shared.model))).toBeInstanceOf(DeviceError);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('whose activations leave FP16 names matrix, row and column, and can be used again', async () => {
    // A row of the embedding of nothing but 65504 makes no trouble (it is normalised); w1 and w3 of 1000 do.
    const path = folder.file('huge.npu');
    await withHugeFeedForward(folder, path);
    await withModel(async model => {
      await using session = model.createSession();
      const error = await rejectionOf(session.forwardBatch([3, 4], 0, { logits: 'last' }));
      expect(error).toBeInstanceOf(NumericError);
      expect(error).toMatchObject({ exitStatus: 1 });
      expect(error.message).toMatch(
        /^layers\.0\.w2: an input is beyond FP16: got -?\d[\d.e+]* at row 0, column \d+, wanted less than 65520 in magnitude; /,
      );
      expect(session.length).toBe(0);
      expect(await rejectionOf(session.forward(3, 0))).toBeInstanceOf(NumericError);
    }, path);
  });
});

/** A model whose feed-forward layer gives values of about 10^6, from weights that FP16 holds. */
async function withHugeFeedForward(folder: TemporaryFolder, target: string): Promise<void> {
  const source = folder.file('huge.bin');
  writeRandomCheckpoint(source, { config: TINY });
  const { tensors } = checkpointLayout({ version: 0, config: TINY, sharedClassifier: true });
  const bytes = readFileSync(source);
  for (const name of ['layers.0.w1', 'layers.0.w3']) {
    const { rows, columns, storage } = tensors.get(name)!;
    for (let i = 0; i < rows * columns; i++) {
      const at = storage.offset + 4 * i;
      bytes.writeFloatLE(bytes.readFloatLE(at) * 2000, at);
    }
  }
  writeFileSync(source, bytes);
  await convertCheckpoint({ source, target });
}
