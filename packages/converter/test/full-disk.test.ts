import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { COMMAND, convertWeights, start, workplaces } from './support.js';

const workplace = workplaces();
const mounted: string[] = [];
afterEach(() => {
  for (const folder of mounted.splice(0)) spawnSync('umount', [folder]);
});

/** A file system of its own; undefined where we may not mount. */
function mount(folder: string, options: string): string | undefined {
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder]).status !== 0) return undefined;
  mounted.push(folder);
  return folder;
}

function skipped(what: string): void {
  process.stderr.write(`skipped: ${what} needs the right to mount\n`);
}

describe('a file system that refuses', () => {
  test('a file that large gets one line, and nothing stays', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const target = place.path('m.npu');
    const limited = ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, COMMAND, source, '-o', target];
    const { status, stderr } = await start('sh', limited).result;
    expect(status).toBe(2);
    expect(place.withoutFolder(stderr)).toMatch(
      /^convert-weights: m\.npu: cannot write \d+ bytes at \d+: the file would be too large \(EFBIG\); .*\n$/,
    );
    expect(place.files()).toEqual(['m.bin']);
  });

  test('because it is full gets one line, and nothing stays', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const folder = mount(place.path('full'), 'size=100k');
    if (folder === undefined) return skipped('a full disk');
    const { status, stderr } = await convertWeights(source, '-o', `${folder}/m.npu`);
    expect(status).toBe(2);
    expect(place.withoutFolder(stderr)).toMatch(
      /^convert-weights: full\/m\.npu: cannot write \d+ bytes at \d+: no space left on the device \(ENOSPC\); free some space or choose another folder\n$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('because it is read-only gets one line', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const folder = mount(place.path('fixed'), 'ro');
    if (folder === undefined) return skipped('a read-only folder');
    const { status, stderr } = await convertWeights(source, '-o', `${folder}/m.npu`);
    expect(status).toBe(2);
    expect(place.withoutFolder(stderr)).toBe(
      'convert-weights: fixed/m.npu: cannot create a file beside it: the file system is read-only (EROFS); choose another folder\n',
    );
  });
});
