import { expect, test } from '@jest/globals';
import type { CheckpointFile } from '@npu-llama/format';
import type { HashThread } from '../src/hash-thread.js';
import { SourceStream } from '../src/source-stream.js';

test('reads and hashes every byte once, what is skipped as well; there is no way back', async () => {
  const hashed: number[] = [];
  const hash = {
    pendingAtMost: async () => {},
    update: (bytes: Uint8Array) => hashed.push(...bytes),
  };
  const file = {
    read: (into: Uint8Array, position: number) => into.set(into.map((_, i) => position + i)),
  };
  const slots = [new Uint8Array(8), new Uint8Array(8)];
  const stream = new SourceStream(file as unknown as CheckpointFile, slots, hash as unknown as HashThread);
  expect([...(await stream.read(0, 2))]).toEqual([0, 1]);
  expect([...(await stream.read(4, 3))]).toEqual([4, 5, 6]);
  await expect(stream.read(6, 2)).rejects.toThrow('bug: byte 6 after byte 7');
  expect(hashed).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
