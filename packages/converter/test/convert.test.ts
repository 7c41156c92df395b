import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { preset, talesFixture, writeRandomTokenizer } from '@npu-llama/fixtures';
import {
  CheckpointFile,
  type CheckpointVersion,
  crc32,
  floatToHalf,
  formatChecksum,
  halfToFloat,
  type ModelConfig,
  NpuFile,
} from '@npu-llama/format';
import { type ConversionProgress, convertCheckpoint } from '../src/index.js';
import { readPlainly, setWeight, workplaces } from './support.js';

const workplace = workplaces();

/** [N/16][K/32][16][32], written down once more. */
const tiled = (n: number, k: number, K: number): number =>
  (n >> 4) * 16 * K + (k >> 5) * 512 + (n & 15) * 32 + (k & 31);

const halvesOf = (bytes: Buffer): Uint16Array => new Uint16Array(Uint8Array.from(bytes).buffer);
const roundHalves = (values: Float32Array): Uint16Array => Uint16Array.from(values, floatToHalf);

function differences(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(got.length).toBe(wanted.length);
  let count = 0;
  for (let i = 0; i < got.length; i++) if (got[i] !== wanted[i]) count++;
  return count;
}

/** Compares every byte of a .npu file's tensors with the checkpoint, by nothing but the documented formulas. */
function expectConverted(npuPath: string, checkpointPath: string): void {
  using checkpoint = CheckpointFile.open(checkpointPath);
  const { config, sharedClassifier } = checkpoint.layout;
  const { tensors, matrices, metadata } = readPlainly(npuPath);
  const sha256 = createHash('sha256').update(readFileSync(checkpointPath)).digest('hex');
  expect(JSON.parse(metadata['source']!)).toMatchObject({ sha256 });
  for (const [name, { columns, parts }] of Object.entries(matrices)) {
    const { shape, dtype, bytes } = tensors[name]!;
    const K = Math.ceil(columns / 32) * 32;
    const N = Object.values(parts).reduce((sum, [first, end]) => sum + Math.ceil((end - first) / 16) * 16, 0);
    expect([name, dtype, shape]).toEqual([name, 'F16', [N / 16, K / 32, 16, 32]]);
    const wanted = new Uint16Array(N * K);
    for (const [source, [first, end]] of Object.entries(parts)) {
      const weights = checkpoint.readAll(source);
      expect(weights.length).toBe((end - first) * columns);
      for (let i = 0; i < weights.length; i++) {
        wanted[tiled(first + Math.trunc(i / columns), i % columns, K)] = floatToHalf(weights[i]!);
      }
    }
    expect([name, differences(halvesOf(bytes), wanted)]).toEqual([name, 0]);
  }
  const floats = (name: string): Float32Array =>
    new Float32Array(Uint8Array.from(tensors[name]!.bytes).buffer);
  for (const norm of ['rms_att', 'rms_ffn']) {
    expect(tensors[norm]!.shape).toEqual([config.layerCount, config.dim]);
    for (let layer = 0; layer < config.layerCount; layer++) {
      const row = floats(norm).subarray(layer * config.dim, (layer + 1) * config.dim);
      expect(differences(row, checkpoint.readAll(`layers.${layer}.${norm}`))).toBe(0);
    }
  }
  expect(differences(floats('rms_final'), checkpoint.readAll('rms_final'))).toBe(0);
  expect('token_embedding' in tensors).toBe(!sharedClassifier);
  if (!sharedClassifier) {
    const { dtype, shape, bytes } = tensors['token_embedding']!;
    expect([dtype, shape]).toEqual(['F16', [config.vocabSize, config.dim]]);
    expect(differences(halvesOf(bytes), roundHalves(checkpoint.readAll('token_embedding')))).toBe(0);
  }
  const checksums = JSON.parse(metadata['checksums']!) as Record<string, string>;
  for (const [name, { bytes }] of Object.entries(tensors))
    expect(checksums[name]).toBe(formatChecksum(crc32(bytes)));
}

/** Nothing to pad; pads rows and columns; a single head; several pieces of the vocabulary, the last one odd. */
const SHAPES: Record<string, ModelConfig> = {
  tiny: preset('tiny'),
  'whole tiles': {
    dim: 64,
    hiddenDim: 128,
    layerCount: 3,
    headCount: 4,
    kvHeadCount: 4,
    vocabSize: 64,
    seqLen: 8,
  },
  'one head': { dim: 2, hiddenDim: 1, layerCount: 1, headCount: 1, kvHeadCount: 1, vocabSize: 1, seqLen: 1 },
  'one key/value head': {
    dim: 96,
    hiddenDim: 33,
    layerCount: 2,
    headCount: 6,
    kvHeadCount: 1,
    vocabSize: 17,
    seqLen: 3,
  },
  'a large vocabulary': {
    dim: 16,
    hiddenDim: 24,
    layerCount: 1,
    headCount: 2,
    kvHeadCount: 1,
    vocabSize: 33_001,
    seqLen: 4,
  },
};
const VERSIONS = [0, 1, 2] as const satisfies readonly CheckpointVersion[];

describe('convertCheckpoint', () => {
  test.each(
    Object.keys(SHAPES).flatMap(shape =>
      VERSIONS.flatMap(version => [true, false].map(shared => [shape, version, shared] as const)),
    ),
  )(
    'puts every weight where the formulas say: %s, version %i, shared classifier %p',
    async (shape, version, shared) => {
      const place = workplace();
      const source = place.checkpoint('m.bin', { config: SHAPES[shape]!, version, sharedClassifier: shared });
      const target = place.path('m.npu');
      await convertCheckpoint({ source, target });
      expectConverted(target, source);
      expect(place.files()).toEqual(['m.bin', 'm.npu']);
    },
  );

  test('puts every weight of the trained model where the formulas say', async () => {
    const target = workplace().path('tales.npu');
    await convertCheckpoint({ source: talesFixture.checkpoint, target });
    expectConverted(target, talesFixture.checkpoint);
  });

  test.each([true, false])(
    'makes the same tensors of versions 0 and 1, shared classifier %p',
    async sharedClassifier => {
      const place = workplace();
      const files = await Promise.all(
        VERSIONS.slice(0, 2).map(async version => {
          const source = place.checkpoint(`v${version}.bin`, { version, sharedClassifier, seed: 7 });
          const target = place.path(`v${version}.npu`);
          await convertCheckpoint({ source, target });
          return readPlainly(target);
        }),
      );
      expect(files[0]!.metadata['checksums']).toBe(files[1]!.metadata['checksums']);
      expect(Object.keys(files[0]!.tensors)).toEqual(Object.keys(files[1]!.tensors));
    },
  );

  test('makes version 2 differ from version 0 by no more than its quantisation and rounding', async () => {
    const place = workplace();
    const [exact, quantized] = await Promise.all(
      ([0, 2] as const).map(async version => {
        const source = place.checkpoint(`v${version}.bin`, { version, seed: 9 });
        await convertCheckpoint({ source, target: place.path(`v${version}.npu`) });
        return readPlainly(place.path(`v${version}.npu`));
      }),
    );
    for (const name of Object.keys(exact!.matrices)) {
      const wanted = Array.from(halvesOf(exact!.tensors[name]!.bytes), halfToFloat);
      const got = Array.from(halvesOf(quantized!.tensors[name]!.bytes), halfToFloat);
      const largest = Math.max(...wanted.map(Math.abs));
      const worst = Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!)));
      // Half a step of int8, and half a step of FP16 on either side.
      expect(worst).toBeLessThanOrEqual(largest / 254 + 2 * largest * 2 ** -11);
      expect(worst).toBeGreaterThan(0);
    }
    for (const norm of ['rms_att', 'rms_ffn', 'rms_final']) {
      expect(quantized!.tensors[norm]!.bytes.equals(exact!.tensors[norm]!.bytes)).toBe(true);
    }
  });

  test('keeps the edges of FP16 exactly', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const weights = [
      -0,
      65504,
      -65504,
      2 ** -24,
      -(2 ** -25),
      2 ** -25 + 2 ** -40,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
    ];
    for (const [column, value] of weights.entries()) setWeight(source, 0, ['layers.1.w3', 5, column], value);
    const target = place.path('m.npu');
    await convertCheckpoint({ source, target });
    const halves = halvesOf(readPlainly(target).tensors['layers.1.w13']!.bytes);
    // w3 begins behind w1's 72 rows, padded to 80.
    const got = weights.map((_, column) => halves[tiled(80 + 5, column, 64)]);
    expect(got).toEqual([0x8000, 0x7bff, 0xfbff, 0x0001, 0x8000, 0x0001, 0x3c00, 0x3c02]);
  });

  test('takes the tokenizer along, byte by byte', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    const tokenizer = place.path('t.bin');
    writeRandomTokenizer(tokenizer, 300, 3);
    const target = place.path('m.npu');
    const report = await convertCheckpoint({ source, target, tokenizer });
    const bytes = readFileSync(tokenizer);
    expect(readPlainly(target).tensors['tokenizer']!.bytes.equals(bytes)).toBe(true);
    expect(report.tokenizerBytes).toBe(bytes.length);
    using file = NpuFile.open(target);
    expect(file.readTokenizer()!.pieces).toHaveLength(300);
  });

  test('reports what it did', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin', { version: 1, sharedClassifier: false });
    const exact = 1 + 2 ** -11;
    setWeight(source, 1, ['layers.1.wv', 2, 3], exact, { sharedClassifier: false });
    const target = place.path('m.npu');
    const report = await convertCheckpoint({ source, target });
    const bytes = readFileSync(source);
    expect(report).toEqual({
      source: {
        path: source,
        version: 1,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
      target: { path: target, bytes: readFileSync(target).length },
      config: preset('tiny'),
      sharedClassifier: false,
      tokenizerBytes: 0,
      weightsDmaBytes: 139264,
      exceedsDmaWindow: false,
      largestRoundingError: { error: 2 ** -11, tensor: 'layers.1.wv' },
      saturated: 0,
      milliseconds: expect.any(Number),
    });
    using file = NpuFile.open(target);
    expect(file.description.source).toEqual({ name: 'm.bin', version: 1, sha256: report.source.sha256 });
    expect(file.matrices.reduce((sum, { name }) => sum + file.tensor(name).bytes, 0)).toBe(
      report.weightsDmaBytes,
    );
  });

  test('finds nothing to round in a model of FP16 numbers', async () => {
    const place = workplace();
    const source = place.sparseCheckpoint('m.bin', preset('tiny'));
    expect(
      (await convertCheckpoint({ source, target: place.path('m.npu') })).largestRoundingError,
    ).toBeNull();
  });

  test('tells its progress up to the end', async () => {
    const place = workplace();
    const seen: ConversionProgress[] = [];
    const source = place.checkpoint('m.bin', { config: SHAPES['a large vocabulary']! });
    await convertCheckpoint({
      source,
      target: place.path('m.npu'),
      onProgress: progress => seen.push(progress),
    });
    const written = seen.map(({ writtenBytes }) => writtenBytes);
    expect(written).toEqual([...written].sort((a, b) => a - b));
    expect(seen.at(-1)!.writtenBytes).toBe(seen.at(-1)!.totalBytes);
  });
});

describe('weights that FP16 cannot hold', () => {
  test('are clamped and counted when saturating, in both directions', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin', { sharedClassifier: false });
    const options = { sharedClassifier: false };
    setWeight(source, 0, ['layers.0.wo', 1, 2], 65520, options);
    setWeight(source, 0, ['layers.0.wo', 1, 3], -1e30, options);
    setWeight(source, 0, ['token_embedding', 299, 39], 65505, options);
    const target = place.path('m.npu');
    const report = await convertCheckpoint({ source, target, overflow: 'saturate' });
    expect(report.saturated).toBe(3);
    const { tensors, metadata } = readPlainly(target);
    const wo = halvesOf(tensors['layers.0.wo']!.bytes);
    expect([wo[tiled(1, 2, 64)], wo[tiled(1, 3, 64)]]).toEqual([0x7bff, 0xfbff]);
    expect(halvesOf(tensors['token_embedding']!.bytes).at(-1)).toBe(0x7bff);
    expect(Number(metadata['saturated'])).toBe(3);
  });

  test('are fine in a norm, which stays FP32', async () => {
    const place = workplace();
    const source = place.checkpoint('m.bin');
    setWeight(source, 0, ['rms_final', 0, 7], 1e6);
    const target = place.path('m.npu');
    await convertCheckpoint({ source, target });
    expect(readPlainly(target).tensors['rms_final']!.bytes.readFloatLE(28)).toBe(1e6);
  });
});
