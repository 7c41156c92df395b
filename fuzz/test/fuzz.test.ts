import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTargets, readSeeds, runTarget, TARGET_NAMES, type Target, writeSeeds } from '../src/index.js';

/** `pnpm fuzz` has 130,000. */
const INPUTS = 800;
/** Inputs that something went wrong with once, by target. */
const corpus = fileURLToPath(new URL('../../corpus/', import.meta.url));

let folder: string;
let targets: Target[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'npu-fuzz-'));
  await writeSeeds(folder);
  targets = await openTargets(readSeeds(folder));
});
afterAll(async () => {
  for (const target of targets) await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('readers of mutated files', () => {
  test.each(TARGET_NAMES)('%s: each is read or refused with an error of its kind', async name => {
    const target = targets.find(candidate => candidate.name === name)!;
    const result = await runTarget(target, { seed: 1, inputs: INPUTS, path: join(folder, 'input') });
    expect(result.findings).toEqual([]);
    // Else the mutations are too coarse or too fine to test anything.
    expect(result.refused).toBeGreaterThan(INPUTS / 4);
    expect(result.accepted).toBeGreaterThan(0);
  });

  test.each(TARGET_NAMES)('%s: the file as it was made is read', async name => {
    const target = targets.find(candidate => candidate.name === name)!;
    for (const { bytes } of target.subjects) {
      const path = join(folder, 'whole');
      writeFileSync(path, bytes);
      await target.read(path);
    }
  });

  test.each(TARGET_NAMES)('%s: what once went wrong is refused', async name => {
    const target = targets.find(candidate => candidate.name === name)!;
    const files = readdirSync(corpus).filter(file => file.startsWith(`${name}-`));
    for (const file of files) {
      const path = join(folder, file);
      writeFileSync(path, readFileSync(join(corpus, file)));
      const error: unknown = await target.read(path).catch(reason => reason);
      expect({ file, refused: target.refuses(error) }).toEqual({ file, refused: true });
    }
  });

  test('the same seed makes the same inputs, another one others', async () => {
    const { makeInput } = await import('../src/index.js');
    const inputs = (seed: number): string[] =>
      [0, 1, 2, 3].map(input => Buffer.from(makeInput(targets[0]!, seed, input)).toString('base64'));
    expect(inputs(7)).toEqual(inputs(7));
    expect(inputs(7)).not.toEqual(inputs(8));
  });
});
