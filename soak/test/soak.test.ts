import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { openDevice } from '@npu-llama/runtime';
import { growthOf, type Measure, memoryPlot, soak } from '../src/index.js';
import { MemoryMeter } from '../src/memory.js';

const tales = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/tales/${name}`, import.meta.url));

/** What is exact; that the process's own memory is flat takes longer to see: `pnpm soak`. */
const COUNTED: readonly Measure[] = ['liveBufferBytes', 'liveBuffers', 'liveMappings', 'openFiles'];

describe('long runs, the short form', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'npu-soak-'));
    model = join(folder, 'tales.npu');
    const [source, tokenizer] = [tales('tales.bin'), tales('tokenizer.bin')];
    await convertCheckpoint({ source, tokenizer, target: model });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('give what a single run gives, and leave the device as it was', async () => {
    const seen = new Map<string, number[]>();
    const runs = await soak({
      model,
      loads: 20,
      tokens: 200,
      samples: 20,
      onProgress: ({ name, done }, amount) => seen.set(name, [...(seen.get(name) ?? []), done / amount]),
    });
    // Each tells how far it is, in order.
    expect([...seen.keys()].sort()).toEqual(runs.map(({ name }) => name).sort());
    for (const parts of seen.values()) {
      expect(parts).toEqual([...parts].sort((a, b) => a - b));
      expect(parts.length).toBeGreaterThan(10);
    }
    expect(runs.map(({ name, isSame }) => [name, isSame])).toEqual([
      ['loads and closes', true],
      ['sessions', true],
      ['8 sessions in turns', true],
      ['process 1 of 2', true],
      ['process 2 of 2', true],
    ]);
    for (const { unit, done, growth, samples } of runs) {
      expect(done).toBeGreaterThanOrEqual(unit === 'loads' ? 20 : 200);
      expect(growth.filter(({ measure, isFlat }) => COUNTED.includes(measure) && !isFlat)).toEqual([]);
      // It was looked at while a model was there: 0 would be flat, too.
      expect(samples.every(({ liveBuffers, openFiles }) => liveBuffers > 0 && openFiles === 1)).toBe(true);
    }
    const svg = memoryPlot(runs);
    expect(svg).toMatch(
      /^<svg [^>]*aria-label="Memory over long runs\. loads and closes, 20 loads: resident \d+\.\d, /,
    );
    expect(svg.match(/<path /g)!.length).toBeGreaterThanOrEqual(5 * 4);
  });

  test('a buffer that is forgotten in each step is seen', async () => {
    await using device = await openDevice({ kind: 'sim', rows: 1 });
    const meter = new MemoryMeter();
    for (let step = 0; step < 20; step++) {
      device.driver.allocate({ label: `forgotten ${step}`, bytes: 64, cache: 'cacheable' });
      meter.sample(step);
    }
    const grown = growthOf(meter.samples).filter(({ isFlat }) => !isFlat);
    expect(grown.map(({ measure }) => measure)).toEqual(
      expect.arrayContaining(['liveBufferBytes', 'liveBuffers', 'liveMappings']),
    );
  });
});
