import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { NpuFile } from '@npu-llama/format';
import {
  checkpointWeights,
  type ModelWeights,
  matrixValues,
  openFileWeights,
  sweep,
} from '../../src/diagnose/index.js';
import { changeMatrix } from '../support/matrices.js';
import { randomWeights, TemporaryFolder, weightsOf } from '../support/models.js';
import { FakeDevice } from './support/fake-device.js';
import { CONFIG, smallModel, summary } from './support/session.js';

/** Elements of a tile of 16 rows and 32 columns. */
const TILE = 512;

describe('weights', () => {
  const folder = new TemporaryFolder();
  afterAll(() => folder[Symbol.dispose]());

  test.each([true, false])(
    'of a converted file and of its checkpoint are the same (shared classifier: %s)',
    async shared => {
      const source = folder.file(`${shared}.bin`);
      const target = folder.file(`${shared}.npu`);
      writeRandomCheckpoint(source, { config: CONFIG, seed: 4, sharedClassifier: shared });
      await convertCheckpoint({ source, target });
      const truth = checkpointWeights(await weightsOf(source), { saturated: false });
      using file = openFileWeights(target);
      expect(file.matrices).toEqual(truth.matrices);
      for (const matrix of truth.matrices) {
        expect(file.tiles(matrix.name)).toEqual(truth.tiles(matrix.name));
        expect(file.checksumMatches(matrix.name)).toBe(true);
      }
      for (const token of [0, 50, CONFIG.vocabSize - 1])
        expect(file.embedding(token)).toEqual(truth.embedding(token));
      expect(file.norm('rms_ffn', 1)).toEqual(truth.norm('rms_ffn', 1));
      expect(file.rmsFinal()).toEqual(truth.rmsFinal());
    },
  );

  test('beyond FP16 are its largest number where the file was converted so, else infinite', async () => {
    const reference = await randomWeights({ config: CONFIG, seed: 4 });
    changeMatrix(reference.layers[1]!.w2, rows => rows.set([1e5, -1e5]));
    const first = (saturated: boolean) => {
      const weights = checkpointWeights(reference, { saturated });
      const layout = weights.matrices.find(({ name }) => name === 'layers.1.w2')!;
      return [...matrixValues(weights, layout).subarray(0, 2)];
    };
    expect(first(true)).toEqual([65504, -65504]);
    expect(first(false)).toEqual([Infinity, -Infinity]);
  });
});

describe('a check of weights', () => {
  let weights: ModelWeights;
  beforeAll(async () => {
    weights = await smallModel();
  });

  /** What a sweep of one matrix says when its memory is changed. */
  async function damaged(matrix: string, damage: (tiles: Uint16Array) => void) {
    const device = new FakeDevice(weights);
    damage(device.tiles.get(matrix)!);
    return await sweep({ npu: device, weights, matrices: [matrix] });
  }
  const held = "DMA memory does not hold the file's weights";

  test.each([
    [0, 'mantissa bit 0 (bit 0)'],
    [9, 'mantissa bit 9 (bit 9)'],
    [12, 'exponent bit 2 (bit 12)'],
    [15, 'the sign (bit 15)'],
  ])('names bit %i and sees that the device multiplies what it holds', async (bit, name) => {
    const { findings, diagnosis, matrices } = await damaged('layers.1.w2', tiles => {
      tiles[777] = tiles[777]! ^ (1 << bit);
    });
    const [memory, product] = summary(findings);
    expect(memory).toMatch(`layers.1.w2: ${held}; row 8, column 41 (1 tile of 16 x 32); ${name}`);
    expect(product).toBe('layers.1.w2: output 8 alone (core 0); right for the weights that are in memory');
    expect(findings[0]!.finding).toMatchObject({ what: 'weights', wrong: 1, ranges: [[8, 8]] });
    expect(diagnosis.conclusions[0]).toMatch(/the weights in DMA memory are damaged; load the model again/);
    expect(matrices).toMatchObject([{ name: 'layers.1.w2', verdict: 'fail', wrongWeights: { memory: 1 } }]);
  });

  test.each<[string, string, (tiles: Uint16Array) => void, string]>([
    [
      'two tiles swapped',
      'layers.1.w2',
      tiles => {
        const first = tiles.slice(0, TILE);
        tiles.copyWithin(0, 4 * TILE, 5 * TILE);
        tiles.set(first, 4 * TILE);
      },
      'tiles (0, 0) and (1, 1) swapped',
    ],
    [
      'wk and wv swapped',
      'layers.0.wqkv',
      tiles => {
        const part = 2 * 2 * TILE;
        const wk = tiles.slice(3 * 2 * TILE, 3 * 2 * TILE + part);
        tiles.copyWithin(3 * 2 * TILE, 5 * 2 * TILE, 7 * 2 * TILE);
        tiles.set(wk, 5 * 2 * TILE);
      },
      'wk and wv swapped',
    ],
    [
      // Row r of a tile is its 32 elements from 32 r on: rows 1 to 15 get those of 0 to 14.
      'rows shifted by one',
      'classifier',
      tiles => {
        for (const tile of [0, TILE]) tiles.copyWithin(tile + 32, tile, tile + TILE - 32);
      },
      'rows 1 to 15 hold those of 1 row back',
    ],
    [
      'a row shifted by a column',
      'layers.0.w13',
      tiles => {
        const row = [...tiles.slice(96, 128), ...tiles.slice(TILE + 96, TILE + 112)];
        row.unshift(row.pop()!);
        tiles.set(row.slice(0, 32), 96);
        tiles.set(row.slice(32), TILE + 96);
      },
      'the weights of row 3 shifted by 1 column',
    ],
    ['a tile of zeros', 'layers.0.wo', tiles => void tiles.fill(0, 0, TILE), '; zero;'],
    [
      'a padding column',
      'layers.0.wo',
      tiles => void tiles.fill(0x3c00, TILE + 31, TILE + 32),
      'padding that is not zero',
    ],
    [
      'a padding row',
      'layers.0.wqkv',
      tiles => void tiles.fill(0x3c00, 4 * 2 * TILE + 9 * 32, 4 * 2 * TILE + 9 * 32 + 1),
      'padding that is not zero',
    ],
  ])('recognises %s', async (_, matrix, damage, words) => {
    const { findings } = await damaged(matrix, damage);
    expect(summary(findings)[0]).toContain(held);
    expect(summary(findings)[0]).toContain(words);
  });

  test('says that padding rows are what is wrong with the products', async () => {
    const { findings } = await damaged(
      'layers.0.wqkv',
      tiles => void tiles.fill(0x3c00, 4 * 2 * TILE + 9 * 32, 4 * 2 * TILE + 9 * 32 + 1),
    );
    expect(summary(findings)[1]).toBe(
      'layers.0.wqkv: padding outputs only, which must be 0; right for the weights that are in memory',
    );
  });
});

describe('a check of a file', () => {
  const folder = new TemporaryFolder();
  const source = folder.file('model.bin');
  const target = folder.file('model.npu');
  let truth: ModelWeights;
  beforeAll(async () => {
    writeRandomCheckpoint(source, { config: CONFIG, seed: 4 });
    await convertCheckpoint({ source, target });
    truth = checkpointWeights(await weightsOf(source), { saturated: false });
  });
  afterAll(() => folder[Symbol.dispose]());

  /** A copy with one byte of a tensor changed. */
  function withByte(tensor: string, byte: number): string {
    const path = folder.file(`${tensor}.npu`);
    const bytes = readFileSync(target);
    using file = NpuFile.open(target);
    const at = file.dataOffset + file.tensor(tensor).offset + byte;
    bytes[at] = bytes[at]! ^ 0x40;
    writeFileSync(path, bytes);
    return path;
  }

  test('finds the weight that the checkpoint has otherwise, and that the checksum knows it', async () => {
    using file = openFileWeights(withByte('layers.0.wo', 2 * 33));
    const { findings, diagnosis, matrices } = await sweep({
      npu: new FakeDevice(file),
      weights: truth,
      file,
    });
    expect(summary(findings)[0]).toMatch(
      "layers.0.wo: the file's weights are not the checkpoint's, and its checksum is not theirs; row 1, column 1 (1 tile of 16 x 32); mantissa bit 6",
    );
    expect(summary(findings)[1]).toContain('right for the weights that are in memory');
    expect(findings).toHaveLength(2);
    expect(diagnosis.conclusions[0]).toMatch(/the \.npu file is damaged; copy it again/);
    const wo = matrices.find(({ name }) => name === 'layers.0.wo');
    expect(wo).toMatchObject({ verdict: 'fail', wrongWeights: { file: 1, memory: 0 } });
  });

  test('without a checkpoint has the checksum alone to go by', async () => {
    using file = openFileWeights(withByte('layers.0.wo', 2 * 33));
    const { findings } = await sweep({ npu: new FakeDevice(file), weights: file, file });
    expect(summary(findings)).toEqual(["layers.0.wo: the file's checksum is not that of its bytes"]);
  });

  test('tells a file of another checkpoint from a damaged one', async () => {
    const other = checkpointWeights(await randomWeights({ config: CONFIG, seed: 5 }), { saturated: false });
    using file = openFileWeights(target);
    const { findings } = await sweep({
      npu: new FakeDevice(file),
      weights: other,
      file,
      matrices: ['layers.1.w2'],
    });
    expect(summary(findings)[0]).toContain(
      "the file's weights are not the checkpoint's, though its checksum is right",
    );
  });

  test('looks at the norms too', async () => {
    using file = openFileWeights(withByte('rms_ffn', 4 * (CONFIG.dim + 3) + 2));
    const { findings } = await sweep({ npu: new FakeDevice(file), weights: truth, file });
    expect(findings.map(({ finding }) => finding)).toMatchObject([
      { place: 'rms_ffn', what: 'weights', wrong: 1, ranges: [[1, 1]] },
    ]);
  });
});
