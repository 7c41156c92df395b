import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { talesFixture, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { CheckpointFile } from '@npu-llama/format';
import { loadReferenceWeights, ReferenceSession } from '@npu-llama/verify';
import { achievedTokensPerSecond } from '../src/llama2c.js';
import { compilePrograms, type NativePrograms } from '../src/native.js';

const { signal } = new AbortController();
const STEPS = 48;

/** Tokens that the FP32 reference finds likeliest, one after the other, from BOS. */
async function greedyTokens(checkpoint: string): Promise<number[]> {
  using file = CheckpointFile.open(checkpoint);
  const session = new ReferenceSession(await loadReferenceWeights(file), STEPS);
  const tokens: number[] = [];
  for (let position = 0; position < STEPS; position++) {
    const logits = await session.forward([tokens.at(-1) ?? 1], position);
    tokens.push(logits.indexOf(Math.max(...logits)));
  }
  return tokens;
}

const describeNative =
  spawnSync(process.env['CC'] || 'cc', ['--version']).status === 0 ? describe : describe.skip;

describeNative('the C baseline (skipped without a C compiler)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'npu-llama-bench-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let programs: NativePrograms;
  beforeAll(async () => {
    programs = await compilePrograms(folder, signal);
  });
  const pathOf = (name: 'plain' | 'fast' | 'openmp' | 'bandwidth'): string => {
    const program = programs[name];
    if ('missing' in program) throw new Error(program.missing);
    return program.path;
  };
  const tokensOf = (checkpoint: string): number[] =>
    execFileSync(pathOf('plain'), [checkpoint, '-t', '0', '-n', String(STEPS)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split('\n')
      .map(Number);

  test("tells the reference's story of the fixture, token by token", async () => {
    expect(tokensOf(talesFixture.checkpoint)).toEqual(await greedyTokens(talesFixture.checkpoint));
  });

  test('reads a classifier of its own, and shared keys', async () => {
    const checkpoint = join(folder, 'own-classifier.bin');
    const config = {
      dim: 32,
      hiddenDim: 48,
      layerCount: 2,
      headCount: 4,
      kvHeadCount: 2,
      vocabSize: 64,
      seqLen: 64,
    };
    writeRandomCheckpoint(checkpoint, { config, sharedClassifier: false });
    expect(tokensOf(checkpoint)).toEqual(await greedyTokens(checkpoint));
  });

  test.each(['plain', 'fast', 'openmp'] as const)(
    'says how fast it was, in the words of llama2.c: %s',
    async name => {
      const run = { checkpoint: talesFixture.checkpoint, steps: 8, signal };
      expect(await achievedTokensPerSecond(pathOf(name), run)).toBeGreaterThan(0);
      expect(await achievedTokensPerSecond(pathOf(name), { ...run, firstPosition: 100 })).toBeGreaterThan(0);
    },
  );

  test.each([
    ['a file that is no checkpoint', [talesFixture.tokenizer, '-n', '8']],
    ['more positions than the model has', [talesFixture.checkpoint, '-n', '257']],
    ['a temperature', [talesFixture.checkpoint, '-t', '1']],
    ['a prompt', [talesFixture.checkpoint, '-i', 'Once']],
    ['nothing', []],
  ])('refuses %s with status 2', (_what, args) => {
    const { status, stderr } = spawnSync(pathOf('plain'), args, { encoding: 'utf8' });
    expect(stderr).toMatch(/^baseline: .+\n$/);
    expect(status).toBe(2);
  });

  test('the bandwidth program prints bytes a second', () => {
    const output = execFileSync(pathOf('bandwidth'), ['1', '2'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(Number(output)).toBeGreaterThan(0);
  });
});

test('without a C compiler every program says so', async () => {
  const before = process.env['CC'];
  process.env['CC'] = '/no/such/compiler';
  try {
    const { compiler, ...programs } = await compilePrograms(tmpdir(), signal);
    expect(compiler).toBeNull();
    for (const program of Object.values(programs)) {
      expect(program).toEqual({ missing: 'no C compiler (/no/such/compiler)' });
    }
  } finally {
    if (before === undefined) delete process.env['CC'];
    else process.env['CC'] = before;
  }
});
