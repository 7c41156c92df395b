import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { CheckpointFile, FileError, type NpuFileDescription } from '@npu-llama/format';
import { requireSameModel, sha256OfCheckpoint } from '../../src/verify/index.js';
import { TemporaryFolder, TINY } from '../support/models.js';

const folder = new TemporaryFolder();
let checkpoint: CheckpointFile;
let sha256: string;
beforeAll(async () => {
  writeRandomCheckpoint(folder.file('tiny.bin'), { config: TINY });
  checkpoint = CheckpointFile.open(folder.file('tiny.bin'));
  sha256 = await sha256OfCheckpoint(checkpoint);
});
afterAll(() => {
  checkpoint.close();
  folder[Symbol.dispose]();
});

function describedAs(changes: Partial<NpuFileDescription>): {
  path: string;
  description: NpuFileDescription;
} {
  const source = { name: 'tiny.bin', sha256, version: 0 } as const;
  const rest = { config: TINY, sharedClassifier: true, converter: '0.1.0', saturated: 0, tokenizerBytes: 0 };
  return { path: 'tiny.npu', description: { source, ...rest, ...changes } };
}

describe('sha256OfCheckpoint', () => {
  test('is that of the file, and leaves it open and reads it from the start again', async () => {
    expect(sha256).toBe(createHash('sha256').update(readFileSync(checkpoint.path)).digest('hex'));
    expect(await sha256OfCheckpoint(checkpoint)).toBe(sha256);
  });

  test('tells how far it is', async () => {
    const progress: number[] = [];
    await sha256OfCheckpoint(checkpoint, { onProgress: bytes => progress.push(bytes) });
    expect(progress.at(-1)).toBe(checkpoint.layout.fileBytes);
  });

  test('ends with the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(sha256OfCheckpoint(checkpoint, { signal })).rejects.toThrow('enough');
  });

  test('leaves the file open when it is stopped on the way', async () => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('enough'));
    const options = { signal: controller.signal, onProgress };
    // Larger than a chunk, so that there is a way to be stopped on.
    writeRandomCheckpoint(folder.file('larger.bin'), { config: { ...TINY, vocabSize: 20_000 } });
    using larger = CheckpointFile.open(folder.file('larger.bin'));
    await expect(sha256OfCheckpoint(larger, options)).rejects.toThrow('enough');
    await new Promise(resolve => setImmediate(resolve));
    expect(larger.readAll('rms_final')).toHaveLength(TINY.dim);
  });
});

describe('requireSameModel', () => {
  test('accepts a file made from the checkpoint', () => {
    expect(() => requireSameModel(describedAs({}), checkpoint, sha256)).not.toThrow();
  });

  test('names both checksums when it was made from another', () => {
    const other = describedAs({ source: { name: 'other.bin', sha256: '0'.repeat(64), version: 0 } });
    expect(() => requireSameModel(other, checkpoint, sha256)).toThrow(FileError);
    expect(() => requireSameModel(other, checkpoint, sha256)).toThrow(
      `tiny.npu: was not made from this reference: got tiny.bin with SHA-256 ${sha256}, wanted other.bin with ${'0'.repeat(64)}`,
    );
  });

  test.each<[string, Partial<NpuFileDescription>]>([
    ['dim', { config: { ...TINY, dim: 40 } }],
    ['seq_len', { config: { ...TINY, seqLen: 25 } }],
    ['shared_classifier', { sharedClassifier: false }],
  ])('says when it disagrees about %s', (name, changes) => {
    expect(() => requireSameModel(describedAs(changes), checkpoint, sha256)).toThrow(`about ${name}: got`);
  });
});
