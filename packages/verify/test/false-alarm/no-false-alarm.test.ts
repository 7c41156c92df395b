import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { randomSequence, talesFixture, writeRandomCheckpoint } from '@npu-llama/fixtures';
import type { ModelConfig } from '@npu-llama/format';
import { main } from '../../src/cli/verify-npu.js';
import type { VerifyReport } from '../../src/report/index.js';
import { TemporaryFolder } from '../support/models.js';

/** Whatever a right device computes must pass: an alarm that cries wolf is switched off. */

const MODELS = 100;
const MODELS_A_TEST = 10;
const PROMPTS = 50;

// Each run of the command listens for a failing stdout until the process ends.
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);

let folder: TemporaryFolder;

beforeEach(() => {
  folder = new TemporaryFolder();
  jest.spyOn(process.stdout, 'write').mockImplementation((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === 'function') callback();
    return true;
  });
});

afterEach(() => {
  jest.restoreAllMocks();
  folder[Symbol.dispose]();
});

/** Any shape that llama2.c could have, from a handful of dimensions to a few hundred. */
function randomConfig(seed: number): ModelConfig {
  const next = randomSequence(seed, 'shape');
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  const kvHeadCount = whole(1, 4);
  const headCount = kvHeadCount * whole(1, 4);
  const dim = headCount * 2 * whole(1, 6);
  return {
    dim,
    hiddenDim: whole(4, 2 * dim + 8),
    layerCount: whole(1, 6),
    headCount,
    kvHeadCount,
    vocabSize: whole(260, 500),
    seqLen: 48,
  };
}

/** What is worth reading when a model fails. */
function failuresOf({ prompts, matrices, diagnoses }: VerifyReport): unknown[] {
  return [
    ...prompts.flatMap(prompt => prompt.failures),
    ...prompts.flatMap(({ positions }) => positions.flatMap(({ failures }) => failures)),
    ...matrices.filter(({ verdict }) => verdict === 'fail'),
    ...diagnoses.flatMap(({ findings }) => findings),
  ].slice(0, 5);
}

describe('a right device passes', () => {
  const firsts = Array.from({ length: MODELS / MODELS_A_TEST }, (_, i) => i * MODELS_A_TEST);

  test.each(firsts)('with random models %i and on', async first => {
    for (let seed = first; seed < first + MODELS_A_TEST; seed++) {
      const config = randomConfig(seed + 1);
      const [source, target, output] = ['model.bin', 'model.npu', 'report.json'].map(name =>
        folder.file(name),
      ) as [string, string, string];
      const sharedClassifier = seed % 2 === 0;
      writeRandomCheckpoint(source, { config, seed: seed + 1, sharedClassifier });
      await convertCheckpoint({ source, target, existing: 'replace' });
      // Every tenth is looked into as if it were wrong: nothing may be found there either.
      const diagnose = seed % 10 === 0 ? ['--diagnose'] : [];
      const arguments_ = [target, '--reference', source, '--device', 'sim', '-n', '24', '-o', output];
      const status = await main([...arguments_, ...diagnose]);
      const report = JSON.parse(readFileSync(output, 'utf8')) as VerifyReport;
      expect({ seed, config, status, failures: failuresOf(report) }).toEqual({
        seed,
        config,
        status: 0,
        failures: [],
      });
    }
  });

  test(`with the trained model over ${PROMPTS} prompts`, async () => {
    const target = folder.file('tales.npu');
    const output = folder.file('report.json');
    const { checkpoint, tokenizer } = talesFixture;
    await convertCheckpoint({ source: checkpoint, tokenizer, target });
    const names = ['Leo', 'Anna', 'Mia', 'Ella', 'Ruby', 'Jack', 'Ben', 'Lily', 'Sam', 'Zoe'];
    const openings = [
      '',
      'One day, ',
      'Long ago, there was ',
      'A kind rabbit named ',
      'It was raining, and ',
    ];
    const prompts = names.flatMap(name => openings.map(opening => `${opening}${name}`));
    expect(prompts).toHaveLength(PROMPTS);
    const arguments_ = [target, '--reference', checkpoint, '--device', 'sim', '-n', '24', '-o', output];
    const status = await main([...arguments_, ...prompts.flatMap(prompt => ['-i', prompt])]);
    const report = JSON.parse(readFileSync(output, 'utf8')) as VerifyReport;
    expect({ status, failures: failuresOf(report) }).toEqual({ status: 0, failures: [] });
    expect(report.summary.positions).toBeGreaterThan(PROMPTS * 20);
  });
});
