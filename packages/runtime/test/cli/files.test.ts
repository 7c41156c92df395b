import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { talesFixture, writeRandomTokenizer } from '@npu-llama/fixtures';
import { NpuFile } from '@npu-llama/format';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { talesModel, talesWithoutTokenizer } from './support/models.js';
import { expectFailure, runNpu } from './support/run-npu.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const run = (model: string, ...args: string[]) => runNpu([model, '--device', 'sim', '-n', '2', ...args]);

describe('a model that', () => {
  let bytes: Buffer;
  let inside: (tensor: string) => number;
  beforeAll(async () => {
    const path = await talesModel(folder);
    bytes = readFileSync(path);
    using file = NpuFile.open(path);
    const starts = new Map(file.tensors.map(({ name, offset }) => [name, file.dataOffset + offset]));
    inside = tensor => starts.get(tensor)! + 5;
  });
  const written = (name: string, content: Uint8Array): string => {
    writeFileSync(folder.file(name), content);
    return folder.file(name);
  };
  /** The model with one bit turned within a tensor. */
  const damaged = (tensor: string): string => {
    const copy = Buffer.from(bytes);
    copy[inside(tensor)]! ^= 1;
    return written(`${tensor}.npu`, copy);
  };

  test('is not there', async () => {
    const path = folder.file('none.npu');
    expectFailure(await run(path), 2, `${path}: cannot open: no such file or folder (ENOENT)`);
  });

  test('is a folder', async () => {
    mkdirSync(folder.file('folder'));
    expectFailure(await run(folder.file('folder')), 2, 'folder: is a folder');
  });

  test('is empty', async () => {
    expectFailure(
      await run(written('empty.npu', new Uint8Array())),
      2,
      'empty.npu: is empty: wanted a .npu file',
    );
  });

  test.each([9, 3000, 500_000, -1])('ends at byte %p', async end => {
    const path = written('short.npu', bytes.subarray(0, end));
    expectFailure(await run(path), 2, 'short.npu: ', 'convert');
  });

  test('goes on behind its end', async () => {
    const path = written('long.npu', Buffer.concat([bytes, Buffer.alloc(1)]));
    expectFailure(await run(path), 2, 'longer than its header says', `wanted ${bytes.length}`);
  });

  test('is a llama2.c checkpoint still', async () => {
    expectFailure(await run(talesFixture.checkpoint), 2, 'is no .npu file', 'convert-weights');
  });

  test.each(['layers.0.wqkv', 'layers.3.w2', 'rms_att', 'tokenizer'])('is damaged in %s', async tensor => {
    expectFailure(await run(damaged(tensor)), 2, `tensor ${tensor} is damaged: got crc32:`, 'wanted crc32:');
  });
});

describe('a tokenizer that', () => {
  test('is not there, neither in the model nor named', async () => {
    const model = await talesWithoutTokenizer(folder);
    expectFailure(await run(model), 2, `${model} has no tokenizer inside; give one with -z`);
  });

  test('is not a file', async () => {
    const path = folder.file('none.bin');
    expectFailure(await run(await talesWithoutTokenizer(folder), '-z', path), 2, `${path}: cannot open`);
  });

  test.each([
    [300, 'is truncated, or the tokenizer of a smaller vocabulary'],
    [1000, 'is the tokenizer of a larger vocabulary'],
  ])('has %d pieces for a model of 512', async (pieces, problem) => {
    writeRandomTokenizer(folder.file('other.bin'), pieces);
    const outcome = await run(await talesWithoutTokenizer(folder), '-z', folder.file('other.bin'));
    expectFailure(outcome, 2, problem, '512 tokens, as the model has');
  });

  test('is something else', async () => {
    const outcome = await run(await talesWithoutTokenizer(folder), '-z', talesFixture.checkpoint);
    expectFailure(outcome, 2, `${talesFixture.checkpoint}: token 1 has an impossible length`);
  });
});
