import { describe, expect, test } from '@jest/globals';
import {
  CheckpointFile,
  type CheckpointHeader,
  type CheckpointVersion,
  checkpointLayout,
  encodeCheckpointHeader,
  kvDim,
  type ModelConfig,
  parseCheckpointHeader,
} from '../src/index.js';
import { messageOf, SMALL, temporaryFolder } from './support.js';

const folder = temporaryFolder();

const header = (version: CheckpointVersion, sharedClassifier = true): CheckpointHeader => ({
  version,
  config: SMALL,
  sharedClassifier,
  ...(version === 2 ? { groupSize: 4 } : {}),
});

/** A header's bytes with some int32 replaced. */
function patched(version: CheckpointVersion, changes: Record<number, number>): Uint8Array {
  const bytes = encodeCheckpointHeader(header(version));
  for (const [offset, value] of Object.entries(changes)) {
    new DataView(bytes.buffer).setInt32(Number(offset), value, true);
  }
  return bytes;
}

describe('parseCheckpointHeader', () => {
  test.each(([0, 1, 2] as const).flatMap(version => [true, false].map(shared => [version, shared] as const)))(
    'reads back version %i, shared classifier %p',
    (version, shared) => {
      const bytes = encodeCheckpointHeader(header(version, shared));
      expect(bytes.length).toBe(version === 0 ? 28 : 256);
      expect(parseCheckpointHeader(bytes, 'x')).toEqual(header(version, shared));
    },
  );

  test('takes the sign of vocab_size as llama2.c does, in version 0 only', () => {
    expect(parseCheckpointHeader(patched(0, { 20: -19 }), 'x')).toMatchObject({
      sharedClassifier: false,
      config: { vocabSize: 19 },
    });
    expect(messageOf(() => parseCheckpointHeader(patched(1, { 28: -19 }), 'x'))).toContain(
      'impossible vocab_size',
    );
  });

  const FIELDS = ['dim', 'hidden_dim', 'n_layers', 'n_heads', 'n_kv_heads', 'vocab_size', 'seq_len'];
  const impossible = FIELDS.flatMap((name, i) =>
    [0, -1, 0x7fffffff]
      .filter(value => !(name === 'vocab_size' && value === -1))
      .map(value => [name, value, i * 4] as const),
  );
  test.each(impossible)('rejects %s %i', (name, value, offset) => {
    expect(messageOf(() => parseCheckpointHeader(patched(0, { [offset]: value }), 'x.bin'))).toMatch(
      new RegExp(`^x\\.bin: impossible ${name} in the header: got -?${Math.abs(value)}, wanted 1 to \\d+; `),
    );
  });

  test.each<[what: string, bytes: Uint8Array, message: string]>([
    ['an empty file', new Uint8Array(), 'x: is empty: wanted a llama2.c checkpoint'],
    ['27 bytes', new Uint8Array(27), 'x: ends within its header: got 27 bytes, wanted at least 28'],
    [
      '255 bytes of version 1',
      encodeCheckpointHeader(header(1)).subarray(0, 255),
      'got 255 bytes, wanted at least 256',
    ],
    [
      'heads that do not divide dim',
      patched(0, { 12: 5 }),
      'x: n_heads does not divide dim: got n_heads 5, dim 12',
    ],
    [
      'heads that do not group',
      patched(0, { 16: 4 }),
      'n_kv_heads does not divide n_heads: got n_kv_heads 4, n_heads 6',
    ],
    ['more key/value heads than heads', patched(0, { 16: 12 }), 'n_kv_heads does not divide n_heads'],
    [
      'an odd head size',
      patched(0, { 0: 18 }),
      'the head size is odd, but RoPE turns pairs: got dim 18 / n_heads 6 = 3',
    ],
    ['version 3', patched(1, { 4: 3 }), 'checkpoint version not known: got 3, wanted 0, 1 or 2'],
    ['version -1', patched(1, { 4: -1 }), 'checkpoint version not known: got -1'],
    ['a shared flag of 2', patched(1, { 36: 2 }), 'impossible shared-classifier flag: got 2, wanted 0 or 1'],
    ['a byte behind the fields', patched(1, { 200: 1 }), 'header byte 200 is not zero: got 1'],
    ['version 1 with a group size', patched(1, { 37: 4 }), 'header byte 37 is not zero'],
    ['a group size of 0', patched(2, { 37: 0 }), 'impossible group_size: got 0'],
    ['a negative group size', patched(2, { 37: -4 }), 'impossible group_size: got -4'],
    [
      'a group size that does not divide',
      patched(2, { 37: 7 }),
      'group_size does not divide token_embedding: got group_size 7, 19 x 12',
    ],
    [
      'a GGUF file',
      Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(300)]),
      'x: is a GGUF file (llama.cpp): wanted a llama2.c checkpoint',
    ],
    [
      'a PyTorch file',
      Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(300)]),
      'is a zip archive (a PyTorch checkpoint?)',
    ],
    ['a web page', Buffer.from(`<!DOCTYPE html>${' '.repeat(300)}`), 'is a web page'],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1'), 'is a Git LFS pointer'],
    [
      'text',
      Buffer.from('Once upon a time, there was a little girl named Lily. '),
      'impossible dim in the header',
    ],
  ])('rejects %s', (_, bytes, message) => {
    expect(messageOf(() => parseCheckpointHeader(bytes, 'x'))).toContain(message);
  });
});

/** The number of floats that llama2.c's own reader maps, written out once more. */
function legacyFloats(c: ModelConfig, shared: boolean): number {
  const kv = kvDim(c);
  const layer = c.dim * 2 + c.dim * c.dim * 2 + kv * c.dim * 2 + 3 * c.hiddenDim * c.dim;
  const embedding = c.vocabSize * c.dim;
  const tables = c.seqLen * (c.dim / c.headCount);
  return embedding + c.layerCount * layer + c.dim + tables + (shared ? 0 : embedding);
}

describe('checkpointLayout', () => {
  test.each([true, false])('has the size that llama2.c gives it, shared classifier %p', shared => {
    const floats = legacyFloats(SMALL, shared);
    const tables = SMALL.seqLen * 2;
    expect(checkpointLayout(header(0, shared)).fileBytes).toBe(28 + 4 * floats);
    expect(checkpointLayout(header(1, shared)).fileBytes).toBe(256 + 4 * (floats - tables));
    const norms = (2 * SMALL.layerCount + 1) * SMALL.dim;
    const quantized = floats - tables - norms;
    expect(checkpointLayout(header(2, shared)).fileBytes).toBe(
      256 + 4 * norms + quantized + 4 * (quantized / 4),
    );
  });

  test('has the sizes of the published models', () => {
    const stories110M = {
      dim: 768,
      hiddenDim: 2048,
      layerCount: 12,
      headCount: 12,
      kvHeadCount: 12,
      vocabSize: 32000,
      seqLen: 1024,
    };
    expect(checkpointLayout({ version: 0, config: stories110M, sharedClassifier: true }).fileBytes).toBe(
      438381596,
    );
  });

  test('places every kind of tensor for all layers before the next, in each version', () => {
    const names = (version: CheckpointVersion): string[] => [
      ...checkpointLayout(header(version, false)).tensors.keys(),
    ];
    const both = (name: string): string[] => [`layers.0.${name}`, `layers.1.${name}`];
    const matrices = ['wq', 'wk', 'wv', 'wo'].flatMap(both);
    const feedForward = ['w1', 'w2', 'w3'].flatMap(both);
    const legacy = [
      'token_embedding',
      ...both('rms_att'),
      ...matrices,
      ...both('rms_ffn'),
      ...feedForward,
      'rms_final',
      'wcls',
    ];
    const versioned = [
      ...both('rms_att'),
      ...both('rms_ffn'),
      'rms_final',
      'token_embedding',
      ...matrices,
      ...feedForward,
      'wcls',
    ];
    expect(names(0)).toEqual(legacy);
    expect(names(1)).toEqual(versioned);
    expect(names(2)).toEqual(versioned);
  });
});

describe('CheckpointFile', () => {
  function file(version: CheckpointVersion, bytesMore = 0): Uint8Array {
    const layout = checkpointLayout(header(version));
    const bytes = Buffer.alloc(layout.fileBytes + bytesMore);
    bytes.set(encodeCheckpointHeader(header(version)).subarray(0, bytes.length));
    return bytes;
  }

  test.each([
    [-1, 'shorter than its header promises'],
    [1, 'longer than its header says'],
    [-1000, 'shorter than its header promises'],
  ])('rejects a file with %i bytes too many', (more, message) => {
    const bytes = file(0, more);
    const path = folder.write('odd.bin', bytes);
    expect(messageOf(() => CheckpointFile.open(path))).toBe(
      `${path}: ${message}: got ${bytes.length} bytes, wanted ${bytes.length - more}; a damaged download, or not a llama2.c checkpoint`,
    );
  });

  test('dequantises by groups that need not end with a row', () => {
    const config = { ...SMALL, vocabSize: 20 };
    const groups = { ...header(2), config, groupSize: 8 };
    const layout = checkpointLayout(groups);
    const bytes = Buffer.alloc(layout.fileBytes);
    bytes.set(encodeCheckpointHeader(groups));
    // 12 columns, groups of 8: the second group has four values of row 0 and four of row 1.
    const { storage } = layout.tensors.get('layers.0.wq')!;
    if (storage.kind !== 'q8') throw new Error('not quantised');
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < 144; i++) view.setInt8(storage.offset + i, i - 72);
    for (let group = 0; group < 18; group++)
      view.setFloat32(storage.scalesOffset + 4 * group, group + 1, true);
    using checkpoint = CheckpointFile.open(folder.write('q8.bin', bytes));
    const tensor = checkpoint.tensor('layers.0.wq');
    const rows = new Float32Array(2 * 12);
    checkpoint.readRows(tensor, 1, 2, rows);
    expect(rows).toEqual(
      Float32Array.from({ length: 24 }, (_, i) => (i + 12 - 72) * (Math.floor((i + 12) / 8) + 1)),
    );
  });

  test('reads rows, and refuses those that are not there', () => {
    const bytes = file(1);
    const { storage } = checkpointLayout(header(1)).tensors.get('layers.1.wk')!;
    new DataView(bytes.buffer, bytes.byteOffset).setFloat32(storage.offset + 4 * (5 * 12 + 11), 2.5, true);
    using checkpoint = CheckpointFile.open(folder.write('v1.bin', bytes));
    const tensor = checkpoint.tensor('layers.1.wk');
    const row = new Float32Array(12);
    checkpoint.readRows(tensor, 5, 1, row);
    expect(row[11]).toBe(2.5);
    expect(messageOf(() => checkpoint.readRows(tensor, 5, 2, new Float32Array(24)))).toContain(
      'no rows 5 to 6',
    );
    expect(messageOf(() => checkpoint.readRows(tensor, 0, 2, row))).toContain('buffer too small');
    expect(messageOf(() => checkpoint.tensor('layers.2.wk'))).toContain('no tensor layers.2.wk');
  });
});
