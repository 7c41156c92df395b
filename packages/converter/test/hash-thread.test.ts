import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FileError } from '@npu-llama/format';
import { HashThread } from '../src/hash-thread.js';

const memory = new SharedArrayBuffer(64);
const bytes = new Uint8Array(memory);
bytes.set(bytes.map((_, i) => i));
const threads: HashThread[] = [];
afterEach(async () => {
  await Promise.all(threads.splice(0).map(thread => thread.stop()));
});

function hashThread(): HashThread {
  const thread = new HashThread(memory, 'm.bin');
  threads.push(thread);
  return thread;
}

describe('HashThread', () => {
  test('hashes pieces of its memory in order, each before it is called done', async () => {
    const thread = hashThread();
    const hash = createHash('sha256');
    for (const [from, to] of [
      [3, 40],
      [0, 64],
      [7, 7],
      [63, 64],
    ] as const) {
      thread.update(bytes.subarray(from, to));
      hash.update(bytes.slice(from, to));
    }
    await thread.pendingAtMost(2);
    await thread.pendingAtMost(0);
    bytes[0] = 99;
    thread.update(bytes.subarray(0, 1));
    expect(await thread.digest()).toBe(hash.update(Uint8Array.of(99)).digest('hex'));
  });

  test('gives the digest of nothing', async () => {
    expect(await hashThread().digest()).toBe(createHash('sha256').digest('hex'));
  });

  test('fails with an error that names the file, now and later', async () => {
    // With this for a memory the thread throws where it begins.
    const broken = new HashThread(-1 as unknown as SharedArrayBuffer, 'm.bin');
    threads.push(broken);
    broken.update(bytes);
    await expect(broken.digest()).rejects.toThrow(FileError);
    await expect(broken.pendingAtMost(0)).rejects.toThrow(/^m\.bin: cannot hash: /);
  });
});
