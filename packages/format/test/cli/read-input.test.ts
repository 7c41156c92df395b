import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { type ReadInputOptions, readInput } from '../../src/cli/index.js';
import { FileError } from '../../src/index.js';
import { temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const read = (path: string, changes: Partial<ReadInputOptions> = {}) =>
  readInput(path, { maxBytes: 100_000, what: 'list', signal: new AbortController().signal, ...changes });

function pipe(name: string): string {
  const path = folder.path(name);
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return path;
}

describe('an input', () => {
  test.each([0, 1, 99_999, 100_000])('of %i bytes is read whole', async bytes => {
    const path = folder.path('whole');
    const content = Buffer.alloc(bytes, 'abc');
    writeFileSync(path, content);
    expect(content.equals(await read(path))).toBe(true);
  });

  test('beyond the limit is refused', async () => {
    const path = folder.path('large');
    writeFileSync(path, Buffer.alloc(100_001));
    await expect(read(path)).rejects.toThrow(
      new FileError(path, 'is too large for a list: got more than 100000 bytes, wanted at most 100000'),
    );
  });

  test('that is a pipe is read until its writer closes it', async () => {
    const path = pipe('written');
    const reading = read(path);
    const writer = await open(path, 'w');
    await writer.write('one\n');
    await writer.write('two\n');
    await writer.close();
    expect(Buffer.from(await reading).toString()).toBe('one\ntwo\n');
  });

  test('that is a pipe without an end is refused at the limit', async () => {
    const path = pipe('endless');
    const reading = read(path, { maxBytes: 3 });
    const writer = await open(path, 'w');
    await writer.write('four');
    await expect(reading).rejects.toThrow(/endless: is too large for a list/);
    await writer.close();
  });

  test.each(['with', 'without'])(
    'that is a pipe %s a writer is left when the signal says so',
    async with_ => {
      const path = pipe(`silent-${with_}`);
      const controller = new AbortController();
      const reading = read(path, { signal: controller.signal });
      const writer = with_ === 'with' ? await open(path, 'w') : undefined;
      const reason = new Error('enough');
      controller.abort(reason);
      await expect(reading).rejects.toBe(reason);
      await writer?.close();
    },
  );

  test('is not opened once the signal has spoken', async () => {
    await expect(read('/nowhere', { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  });

  test('that is a device is read to its end, or the limit', async () => {
    expect(await read('/dev/null')).toHaveLength(0);
    await expect(read('/dev/zero')).rejects.toThrow('/dev/zero: is too large for a list');
  });

  test('that is a folder or not there is refused', async () => {
    mkdirSync(folder.path('sub'));
    await expect(read(folder.path('sub'))).rejects.toThrow(/cannot read: is a folder \(EISDIR\)/);
    await expect(read(folder.path('none'))).rejects.toThrow(/cannot read: no such file or folder \(ENOENT\)/);
  });
});
