import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { preset } from '@npu-llama/fixtures';
import { NpuFile } from '@npu-llama/format';
import { convertCommand } from '../src/cli/convert-command.js';
import { convertCheckpoint } from '../src/index.js';
import { COMMAND, start, type Workplace, workplaces } from './support.js';

const workplace = workplaces();
const SHAPE = { ...preset('stories110M'), layerCount: 6 };

/** Converts a file that takes a while, and interrupts it some time after it began to write. */
async function interrupted(place: Workplace, afterMs: number, interrupt: (child: ChildProcess) => void) {
  const source = place.sparseCheckpoint('m.bin', SHAPE);
  const { child, result } = start(process.execPath, [COMMAND, source, '-o', place.path('m.npu'), '--force']);
  while (!place.files().some(name => name.endsWith('.tmp'))) await sleep(2);
  await sleep(afterMs);
  interrupt(child);
  return result;
}

const once = (signal: NodeJS.Signals) => (child: ChildProcess) => child.kill(signal);

describe('an interrupted conversion', () => {
  test.each<[NodeJS.Signals, status: number, afterMs: number]>([
    ['SIGINT', 130, 0],
    ['SIGINT', 130, 60],
    ['SIGTERM', 143, 30],
    ['SIGHUP', 129, 30],
  ])('by %s ends with %i and leaves nothing behind (after %i ms)', async (signal, status, afterMs) => {
    const place = workplace();
    place.write('m.npu', 'older');
    const ended = await interrupted(place, afterMs, once(signal));
    expect(ended).toEqual({
      status,
      signal: null,
      stdout: '',
      stderr: 'convert-weights: interrupted; nothing was written\n',
    });
    expect(place.files()).toEqual(['m.bin', 'm.npu']);
    expect(readFileSync(place.path('m.npu'), 'utf8')).toBe('older');
  });

  test('outlives the second signal that a child of npx gets, until it has cleaned up', async () => {
    const place = workplace();
    const checkpoint = place.checkpoint('m.bin');
    const options = { tokenizer: undefined, force: false, saturate: false, json: false, quiet: true };
    const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const handlers = (): number[] =>
      ['SIGINT', 'SIGTERM', 'SIGHUP'].map(signal => process.listenerCount(signal));
    const before = handlers();
    const aborter = new AbortController();
    const conversion = convertCommand(
      { checkpoint, output: place.path('m.npu'), ...options },
      aborter.signal,
    );
    aborter.abort(new Error('received SIGINT'));
    expect(handlers()).toEqual(before.map(count => count + 1));
    await expect(conversion).rejects.toThrow('received SIGINT');
    expect(handlers()).toEqual(before);
    expect(place.files()).toEqual(['m.bin']);
    expect(written).toHaveBeenCalledWith('convert-weights: interrupted; nothing was written\n');
    written.mockRestore();
  });

  test.each([0, 40, 120])('by SIGKILL leaves no half file under the name (after %i ms)', async afterMs => {
    const place = workplace();
    const { signal } = await interrupted(place, afterMs, once('SIGKILL'));
    expect(signal).toBe('SIGKILL');
    expect(existsSync(place.path('m.npu'))).toBe(false);
  });

  test.each([0, 1, 5, 14])(
    'by its signal at piece %i fails with its reason and leaves nothing behind',
    async piece => {
      const place = workplace();
      const source = place.checkpoint('m.bin');
      const aborter = new AbortController();
      const reason = new Error('enough');
      let pieces = 0;
      const onProgress = (): void => {
        if (pieces++ === piece) aborter.abort(reason);
      };
      const conversion = convertCheckpoint({
        source,
        target: place.path('m.npu'),
        onProgress,
        signal: aborter.signal,
      });
      await expect(conversion).rejects.toBe(reason);
      expect(pieces).toBe(piece + 1);
      expect(place.files()).toEqual(['m.bin']);
    },
  );

  test('can be done again', async () => {
    const place = workplace();
    await interrupted(place, 20, once('SIGKILL'));
    const source = place.checkpoint('m.bin');
    await convertCheckpoint({ source, target: place.path('m.npu') });
    expect(() => NpuFile.open(place.path('m.npu')).close()).not.toThrow();
  });
});
