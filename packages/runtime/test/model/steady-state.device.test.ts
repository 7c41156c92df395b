import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { openDevice } from '../../src/device/index.js';
import { loadModel, type NpuModel } from '../../src/model/index.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
// Files of tests that follow in this process see no gc(): they would call it.
setFlagsFromString('--no-expose-gc');

/** Tokens between two looks, and bytes that keeping anything of each would take at least. */
const WINDOW = 100;
const SMALLEST_OBJECT = 16;

const turnOfTheLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** What is left once garbage is collected: by ffi-napi some only after a turn of the event loop. */
async function inUse(): Promise<{ heap: number; buffers: number }> {
  await turnOfTheLoop();
  collect();
  await turnOfTheLoop();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

describeDevice('memory of the process', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: { ...TINY, seqLen: 500 } }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  async function withModel(body: (model: NpuModel) => Promise<void>): Promise<void> {
    await using device = await openDevice({ kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await body(model);
  }

  test('does not grow with tokens', async () => {
    await withModel(async model => {
      await using session = model.createSession();
      const windows: { heap: number; buffers: number }[] = [];
      let before = await inUse();
      for (let position = 0; position < 10 * WINDOW; position++) {
        await session.forward(position % 300, position % 500);
        if (position % WINDOW !== WINDOW - 1) continue;
        const after = await inUse();
        windows.push({ heap: after.heap - before.heap, buffers: after.buffers - before.buffers });
        before = after;
      }
      // What is compiled meanwhile is in the heap, too, but not in every window; what a token kept would be.
      const least = (of: (window: (typeof windows)[0]) => number): number => Math.min(...windows.map(of));
      expect(least(({ heap }) => heap)).toBeLessThan(WINDOW * SMALLEST_OBJECT);
      expect(least(({ buffers }) => buffers)).toBeLessThanOrEqual(0);
    });
  });

  test('does not grow with sessions that were closed: their memory is used again', async () => {
    await withModel(async model => {
      const cachesOf = (count: number): ArrayBufferLike[] =>
        Array.from({ length: count }, () => {
          const session = model.createSession();
          const { buffer } = session.keyValues.keys;
          void session.close();
          return buffer;
        });
      expect(new Set(cachesOf(2000)).size).toBe(1);
      await using one = model.createSession();
      await using other = model.createSession();
      expect(one.keyValues.keys.buffer).not.toBe(other.keyValues.keys.buffer);
    });
  });

  test('that was another session’s gives what new memory gives', async () => {
    await withModel(async model => {
      const wanted: number[][] = [];
      for (const tokens of [
        [5, 6, 7],
        [8, 9, 10, 11],
        [5, 6, 7],
      ]) {
        await using session = model.createSession();
        expect(session.length).toBe(0);
        wanted.push(Array.from(await session.forwardBatch(tokens, 0, { logits: 'all' })));
      }
      expect(wanted[2]).toEqual(wanted[0]);
    });
  });
});
