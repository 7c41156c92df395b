import { describe, expect, test } from '@jest/globals';
import type { OutputFile } from '@npu-llama/format';
import { WriteBehind } from '../src/write-behind.js';

const MEBIBYTE = 1 << 20;

/** A file whose syncs end when and as the test says. */
function slowFile() {
  const syncs: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const file = {
    write() {},
    sync: () => new Promise<void>((resolve, reject) => syncs.push({ end: resolve, fail: reject })),
  };
  return { file: new WriteBehind(file as unknown as OutputFile), syncs };
}

/** Whether a promise has ended, once all that needs no other event has. */
async function hasEnded(promise: Promise<unknown>): Promise<boolean> {
  let ended = false;
  promise.then(
    () => (ended = true),
    () => (ended = true),
  );
  await new Promise(resolve => setImmediate(resolve));
  return ended;
}

describe('WriteBehind', () => {
  test('syncs from 16 MiB on, one sync at a time', async () => {
    const { file, syncs } = slowFile();
    await file.write(new Uint8Array(15 * MEBIBYTE), 0);
    expect(syncs).toHaveLength(0);
    await file.write(new Uint8Array(MEBIBYTE), 0);
    await file.write(new Uint8Array(16 * MEBIBYTE), 0);
    expect(syncs).toHaveLength(1);
    syncs[0]!.end();
    await file.settle();
    await file.write(new Uint8Array(1), 0);
    expect(syncs).toHaveLength(2);
  });

  test('waits for the disk when 256 MiB have not begun to go there', async () => {
    const { file, syncs } = slowFile();
    const piece = new Uint8Array(64 * MEBIBYTE);
    for (let i = 0; i < 5; i++) await file.write(piece, 0);
    const more = file.write(piece, 0);
    expect(await hasEnded(more)).toBe(false);
    syncs[0]!.end();
    await more;
    expect(syncs).toHaveLength(2);
  });

  test('ends a sync when all is on the disk: what was written since an earlier one began needs another', async () => {
    const { file, syncs } = slowFile();
    await file.write(new Uint8Array(16 * MEBIBYTE), 0);
    const synced = file.sync();
    syncs[0]!.end();
    expect(await hasEnded(synced)).toBe(false);
    expect(syncs).toHaveLength(2);
    syncs[1]!.end();
    await synced;
  });

  test('reports at the next write what the disk refused, but not to who only waits for it to be idle', async () => {
    const { file, syncs } = slowFile();
    await file.write(new Uint8Array(16 * MEBIBYTE), 0);
    syncs[0]!.fail(new Error('no space left'));
    await file.settle();
    await expect(file.write(new Uint8Array(1), 0)).rejects.toThrow('no space left');
  });

  test('reports in the end what an earlier sync failed with, although the last one went well', async () => {
    const { file, syncs } = slowFile();
    await file.write(new Uint8Array(16 * MEBIBYTE), 0);
    const synced = file.sync();
    syncs[0]!.fail(new Error('input/output error'));
    await hasEnded(synced);
    syncs[1]!.end();
    await expect(synced).rejects.toThrow('input/output error');
  });
});
