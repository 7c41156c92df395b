import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { preset } from '@npu-llama/fixtures';
import { NpuFile } from '@npu-llama/format';
import { convertCheckpoint } from '../src/index.js';
import { COMMAND, convertWeights, start, type Workplace, workplaces } from './support.js';

const workplace = workplaces();
const SHAPE = { ...preset('stories110M'), layerCount: 48 };

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

  test('a second signal in the middle of cleaning up leaves nothing behind either', async () => {
    const place = workplace();
    const ended = await interrupted(place, 20, child => {
      child.kill('SIGINT');
      child.kill('SIGTERM');
    });
    // Which of the two comes first is the kernel's to say.
    expect([143, 'SIGTERM', 130, 'SIGINT']).toContain(ended.status ?? ended.signal);
    expect(place.files()).toEqual(['m.bin']);
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

  test('can be done again, and what a killed one left is told of', async () => {
    const place = workplace();
    await interrupted(place, 20, once('SIGKILL'));
    const left = place.files().filter(name => name.endsWith('.tmp'));
    expect(left).toEqual([expect.stringMatching(/^\.m\.npu\.\d+\.[0-9a-f]{8}\.tmp$/)]);
    const source = place.checkpoint('m.bin');
    const { status, stderr } = await convertWeights(source, '-o', place.path('m.npu'));
    expect(status).toBe(0);
    expect(place.withoutFolder(stderr)).toMatch(
      /^convert-weights: note: a run that was killed left \.m\.npu\.\S+\.tmp \(.*B\); remove it if no other machine writes it\n$/,
    );
    expect(() => NpuFile.open(place.path('m.npu')).close()).not.toThrow();
    expect(place.files()).toEqual([...left, 'm.bin', 'm.npu']);
  });
});
