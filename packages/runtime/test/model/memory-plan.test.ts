import { describe, expect, test } from '@jest/globals';
import { preset } from '@npu-llama/fixtures';
import { type ModelConfig, type TiledMatrix, tiledMatrices } from '@npu-llama/format';
import type { DecodeRows } from '../../src/device/index.js';
import { ModelLimitError } from '../../src/errors.js';
import { planMemory, rowVariantsFor } from '../../src/model/index.js';
import { thrownBy } from '../support/errors.js';

const MIB = 2 ** 20;

function plan(config: ModelConfig, { shared = true, cores = 3, decodeRows = 1 as DecodeRows } = {}) {
  const matrices = tiledMatrices(config, shared);
  return planMemory({ config, matrices, cores, decodeRows, taskRecordBytes: 40, path: 'model.npu' });
}

const wide = (paddedColumns: number): TiledMatrix => ({
  name: 'wide',
  columns: paddedColumns,
  paddedColumns,
  paddedRows: 16,
  parts: [],
});

describe('planMemory', () => {
  test('adds up, by hand, for a small model', () => {
    // dim 40, hidden 72, 2 layers, 4 heads, 2 KV heads, vocabulary 300. K: 40 -> 64, 72 -> 96.
    // N: wqkv 48 + 32 + 32, wo 48, w13 80 + 80, w2 48, classifier 304.
    const made = plan(preset('tiny'));
    const weights = [112 * 64, 48 * 64, 160 * 64, 48 * 96];
    expect(made.weights.map(({ bytes }) => bytes)).toEqual(
      [...weights, ...weights, 304 * 64].map(elements => elements * 2),
    );
    expect(made.rowVariants).toEqual([1, 4, 16, 64]);
    expect(made.features.bytes).toBe(64 * 96 * 2);
    expect(made.results.bytes).toBe(64 * 304 * 4);
    // 9 matrices, each on 3 cores, in 4 variants; 108 words a program, 40 bytes a record.
    expect(made.taskCount).toBe(9 * 3 * 4);
    expect(made.programs.bytes).toBe(108 * 108 * 8);
    expect(made.tasks.bytes).toBe(108 * 40);
    const pages = [4, 2, 5, 3, 4, 2, 5, 3, 10, 3, 19, 23, 2];
    expect(made.totalBytes).toBe(pages.reduce((sum, count) => sum + count, 0) * 4096);
  });

  test('stories110M takes 219 MB of weights and 10 MiB beside them', () => {
    const made = plan(preset('stories110M'));
    const weights = made.weights.reduce((sum, { bytes }) => sum + bytes, 0);
    // A layer: 4 * 768^2 + 3 * 768 * 2048; the classifier: 32000 * 768; nothing needs padding.
    expect(weights).toBe(2 * (12 * (4 * 768 ** 2 + 3 * 768 * 2048) + 32000 * 768));
    expect((weights / 1e6).toFixed(0)).toBe('219');
    expect((made.totalBytes / MIB).toFixed(1)).toBe('217.5');
    // 48 matrices of one task a core, the classifier of two: in 4 variants.
    expect(made.taskCount).toBe((48 * 3 + 6) * 4);
    expect(made.features.bytes).toBe(64 * 2048 * 2);
    expect(made.results.bytes).toBe(64 * 32000 * 4);
  });

  test('asks for each buffer as it is used', () => {
    const { weights, features, results, programs, tasks } = plan(preset('tiny'));
    expect(weights.map(({ label, cache }) => [label, cache]).slice(0, 2)).toEqual([
      ['weights of layers.0.wqkv', 'write-combine'],
      ['weights of layers.0.wo', 'write-combine'],
    ]);
    expect([features.cache, results.cache, programs.cache, tasks.cache]).toEqual([
      'write-combine',
      'cacheable',
      'write-combine',
      'cacheable',
    ]);
    expect([features, results, programs, tasks].map(({ kernelMapping }) => kernelMapping)).toEqual([
      undefined,
      undefined,
      undefined,
      true,
    ]);
  });

  test.each([1, 2, 3])('on %i core(s) plans a program for every task', cores => {
    const made = plan({ ...preset('tiny'), vocabSize: 128256 }, { cores });
    // 128256 rows: 16 tasks of at most 8192 on one core, 8 on each of two, 6 on each of three.
    expect(made.taskCount).toBe((8 * cores + [16, 16, 18][cores - 1]!) * 4);
  });

  test('refuses a model beyond 4 GiB', () => {
    const error = thrownBy(() => plan(preset('llama2_7B')));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error.message).toMatch(
      /^model\.npu: the model does not fit the 4 GiB that the NPU can address: got 12\d{3}\.\d MiB \(\d+ bytes\) of DMA memory needed, wanted at most 4096\.0 MiB \(4294967296 bytes\); use a smaller model$/,
    );
  });

  test.each([
    ['the residual stream', { dim: 16416, headCount: 1, kvHeadCount: 1 }, 'layers.0.wqkv'],
    ['the feed-forward layer', { hiddenDim: 16385 }, 'layers.0.w2'],
  ])('refuses %s wider than one kernel can be', (_, change, matrix) => {
    const error = thrownBy(() => plan({ ...preset('tiny'), ...change }));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error.message).toBe(
      `model.npu: ${matrix} is wider than the NPU can hold: got 16416 columns, wanted at most 16384`,
    );
  });

  test('takes K of 16384', () => {
    expect(plan({ ...preset('tiny'), hiddenDim: 16384 }).rowVariants).toEqual([1, 4]);
  });
});

describe('rowVariantsFor', () => {
  // ceil(M * K * 2 / 32768) may be 11 at most: M * K * 2 <= 360448.
  test.each<[number, DecodeRows, number[]]>([
    [32, 1, [1, 4, 16, 64]],
    [32, 4, [4, 16, 64]],
    [2816, 1, [1, 4, 16, 64]],
    [2848, 1, [1, 4, 16]],
    [11264, 1, [1, 4, 16]],
    [11264, 4, [4, 16]],
    [11296, 1, [1, 4]],
    [16384, 1, [1, 4]],
    [16384, 4, [4]],
  ])('for K %i and %i decode row(s) are %p', (columns, decodeRows, wanted) => {
    expect(rowVariantsFor([wide(32), wide(columns)], decodeRows)).toEqual(wanted);
  });
});
