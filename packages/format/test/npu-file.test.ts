import { describe, expect, test } from '@jest/globals';
import {
  crc32,
  encodeNpuHeader,
  encodeTokenizer,
  formatChecksum,
  NpuFile,
  type NpuFileDescription,
  npuTensors,
  tiledMatrices,
} from '../src/index.js';
import { messageOf, SMALL, seededRandom, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const vocabulary = {
  maxTokenLength: 1,
  pieces: Array.from({ length: SMALL.vocabSize }, (_, i) => Uint8Array.of(65 + i)),
  scores: new Float32Array(SMALL.vocabSize),
};
const tokenizer = encodeTokenizer(vocabulary);

const description = (sharedClassifier: boolean): NpuFileDescription => ({
  config: SMALL,
  sharedClassifier,
  source: { name: 'small.bin', sha256: '0123456789abcdef'.repeat(4), version: 1 },
  converter: '1.2.3',
  saturated: 7,
  tokenizerBytes: tokenizer.length,
});

/** A whole .npu file with random bytes in its tensors. */
function npuBytes(sharedClassifier = true): Buffer {
  const random = seededRandom(3);
  const tensors = npuTensors(SMALL, sharedClassifier, tokenizer.length);
  const data = tensors.map(({ name, bytes }) =>
    name === 'tokenizer' ? tokenizer : Uint8Array.from({ length: bytes }, () => random() * 256),
  );
  const checksums = new Map(tensors.map(({ name }, i) => [name, formatChecksum(crc32(data[i]!))]));
  return Buffer.concat([encodeNpuHeader(description(sharedClassifier), checksums), ...data]);
}

type Json = Record<string, unknown>;

/** A .npu file whose header was changed by `edit`, padded as a writer would; the data stays. */
function edited(edit: (header: Json, metadata: Record<string, string>) => void, alignment = 4096): Buffer {
  const bytes = npuBytes();
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Json;
  edit(header, header['__metadata__'] as Record<string, string>);
  const json = Buffer.from(JSON.stringify(header));
  const total = Math.ceil((json.length + 8) / alignment) * alignment;
  const start = Buffer.alloc(total, ' ');
  start.writeBigUInt64LE(BigInt(total - 8));
  json.copy(start, 8);
  return Buffer.concat([start, bytes.subarray(8 + length)]);
}

const open = (bytes: Uint8Array): NpuFile => NpuFile.open(folder.write('x.npu', bytes));

describe('a .npu file', () => {
  test.each([true, false])('says what it holds, shared classifier %p', shared => {
    using file = open(npuBytes(shared));
    expect(file.description).toEqual(description(shared));
    expect(file.readTokenizer()).toEqual(vocabulary);
    expect(file.dataOffset % 4096).toBe(0);
    for (const { name } of file.tensors) expect(file.checksumMatches(name)).toBe(true);
  });

  test('has every tiled matrix first, whole tiles at whole tiles, without gaps', () => {
    let end = 0;
    for (const { dtype, shape, offset, bytes } of npuTensors(SMALL, false, 5)) {
      expect(offset).toBe(end);
      end += bytes;
      if (dtype === 'F16' && shape.length === 4) {
        expect(offset % 1024).toBe(0);
        expect(shape.slice(2)).toEqual([16, 32]);
      }
    }
  });

  test('fuses matrices with the same input, each part at a 16-row group of its own', () => {
    const [wqkv] = tiledMatrices(SMALL, true);
    expect(wqkv).toEqual({
      name: 'layers.0.wqkv',
      columns: 12,
      paddedColumns: 32,
      paddedRows: 48,
      parts: [
        { source: 'layers.0.wq', firstRow: 0, rows: 12 },
        { source: 'layers.0.wk', firstRow: 16, rows: 6 },
        { source: 'layers.0.wv', firstRow: 32, rows: 6 },
      ],
    });
  });

  test('is a safetensors file: length, JSON, spaces, data', () => {
    const bytes = npuBytes();
    const length = Number(bytes.readBigUInt64LE(0));
    expect((8 + length) % 4096).toBe(0);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Json;
    let end = 0;
    for (const [name, tensor] of Object.entries(header)) {
      if (name === '__metadata__') continue;
      const { data_offsets: offsets } = tensor as { data_offsets: [number, number] };
      expect(offsets[0]).toBe(end);
      end = offsets[1];
    }
    expect(bytes.length).toBe(8 + length + end);
    for (const value of Object.values(header['__metadata__'] as Json)) expect(typeof value).toBe('string');
  });

  test('has a header whose length does not depend on checksums, hash and count', () => {
    const tensors = npuTensors(SMALL, true, 9);
    const sums = (sum: number): Map<string, string> =>
      new Map(tensors.map(({ name }) => [name, formatChecksum(sum)]));
    const few = { ...description(true), saturated: 0, tokenizerBytes: 9 };
    const many = { ...few, saturated: Number.MAX_SAFE_INTEGER };
    expect(encodeNpuHeader(few, sums(0)).length).toBe(encodeNpuHeader(many, sums(0xffffffff)).length);
  });
});

describe('NpuFile rejects', () => {
  const patch = (field: string, value: unknown) =>
    edited((_, metadata) => {
      metadata['model'] = JSON.stringify({ ...(JSON.parse(metadata['model']!) as Json), [field]: value });
    });
  const tensor = (name: string, change: Json) =>
    edited(header => {
      header[name] = { ...(header[name] as Json), ...change };
    });
  const metadata = (key: string, value: unknown) =>
    edited((_, all) => {
      if (value === undefined) delete all[key];
      else (all as Json)[key] = value;
    });
  const lengthPrefix = (length: bigint): Buffer => {
    const bytes = npuBytes();
    bytes.writeBigUInt64LE(length);
    return bytes;
  };
  const checksums = (edit: (sums: Record<string, string>) => void) =>
    edited((_, all) => {
      const sums = JSON.parse(all['checksums']!) as Record<string, string>;
      edit(sums);
      all['checksums'] = JSON.stringify(sums);
    });

  test.each<[what: string, bytes: Buffer, message: string | RegExp]>([
    ['an empty file', Buffer.alloc(0), ': is empty: wanted a .npu file'],
    ['seven bytes', Buffer.alloc(7), ': is no .npu file: got 7 bytes'],
    [
      'an impossible header length',
      lengthPrefix(2n ** 63n),
      'impossible header length: got 9223372036854775808',
    ],
    [
      'a header longer than the file',
      lengthPrefix(8_000_000n),
      /ends within its header: got \d+ bytes, wanted a header of 8000000/,
    ],
    ['a header that ends early', lengthPrefix(100n), 'the header is not JSON'],
    ['a header that is not UTF-8', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0xff]), 'its header is not UTF-8'],
    ['a header that is text', Buffer.from('\u0004\0\0\0\0\0\0\0"ab"'), "the header is not as a .npu file's"],
    [
      'another safetensors file',
      edited(header => delete header['__metadata__']),
      'no .npu file (no __metadata__)',
    ],
    [
      'a foreign format name',
      metadata('format', 'pt'),
      'is a safetensors file, but no .npu file: got format pt, wanted npu-llama',
    ],
    ['a later version', metadata('format_version', '2'), 'format version not known: got 2, wanted 1'],
    ['metadata that is no text', metadata('converter', 5), '__metadata__ is not as'],
    ['no converter', metadata('converter', undefined), '__metadata__ lacks converter'],
    ['no model', metadata('model', undefined), '__metadata__ lacks model'],
    ['a model that is not JSON', metadata('model', '{'), '__metadata__.model is not JSON'],
    ['a dimension of 0', patch('dim', 0), 'impossible dim'],
    ['a dimension of 1.5', patch('hidden_dim', 1.5), 'impossible hidden_dim'],
    ['a dimension that is text', patch('dim', '12'), '__metadata__.model is not as'],
    ['heads that do not divide', patch('n_heads', 5), 'n_heads does not divide dim'],
    ['more layers than tensors', patch('n_layers', 4000), "too few tensors: got 13, wanted 4000 layers'"],
    [
      'another dimension than the tensors have',
      patch('dim', 24),
      'tensor layers.0.wqkv is not what the model needs: got F16 [3, 1, 16, 32]',
    ],
    [
      'another classifier than the tensors have',
      patch('shared_classifier', false),
      'tensor token_embedding is missing',
    ],
    [
      'a source without SHA-256',
      metadata('source', '{"name":"x","version":0}'),
      '__metadata__.source is not as',
    ],
    [
      'a source of version 3',
      metadata('source', JSON.stringify({ ...description(true).source, version: 3 })),
      '__metadata__.source is not as',
    ],
    ['a negative count', metadata('saturated', '-1'), '__metadata__.saturated'],
    ['a missing tensor', edited(header => delete header['layers.1.wo']), 'tensor layers.1.wo is missing'],
    [
      'a stray tensor that JSON.parse makes a property of its own',
      edited(header =>
        Object.defineProperty(header, '__proto__', { value: header['rms_final'], enumerable: true }),
      ),
      'unexpected tensor __proto__',
    ],
    ['a stray tensor', edited(header => (header['more'] = header['rms_final'])), 'unexpected tensor more'],
    [
      'another type',
      tensor('layers.0.w2', { dtype: 'BF16' }),
      'tensor layers.0.w2 is not what the model needs: got BF16',
    ],
    [
      'another shape',
      tensor('layers.0.w2', { shape: [1, 1, 32, 16] }),
      /got F16 \[1, 1, 32, 16\] .* wanted F16 \[1, 1, 16, 32\]/,
    ],
    [
      'overlapping tensors',
      tensor('layers.0.wo', { data_offsets: [0, 1024] }),
      'tensor layers.0.wo is not what the model needs',
    ],
    [
      'a tensor without offsets',
      edited(header => (header['rms_att'] = { dtype: 'F32', shape: [2, 12] })),
      'tensor rms_att is not as',
    ],
    [
      'another split of a fused matrix',
      metadata('matrices', '{}'),
      '__metadata__.matrices does not describe',
    ],
    [
      'matrices nested deeper than JSON.stringify goes',
      metadata('matrices', `${'['.repeat(50_000)}${']'.repeat(50_000)}`),
      '__metadata__.matrices does not describe',
    ],
    [
      'a tokenizer that no memory holds',
      tensor('tokenizer', { shape: [40_000_000_000] }),
      'the tokenizer is too large: got 40000000000 bytes, wanted at most 134217728',
    ],
    [
      'a header that is all brackets',
      Buffer.concat([lengthPrefix(2n ** 23n + 1n), Buffer.alloc(2 ** 23 + 1, '[')]),
      'impossible header length: got 8388609, wanted at most 8388608',
    ],
    ['a missing checksum', checksums(sums => delete sums['rms_att']), '__metadata__.checksums lacks rms_att'],
    [
      'a checksum too many',
      checksums(sums => (sums['x'] = 'crc32:00000000')),
      'names tensors that are not there',
    ],
    [
      'a checksum of another kind',
      checksums(sums => (sums['rms_att'] = 'md5:00')),
      '__metadata__.checksums is not as',
    ],
    ['data that begins within a page', edited(() => {}, 16), 'data does not start on a page'],
    ['a byte too few', npuBytes().subarray(0, -1), 'shorter than its header promises'],
    ['a byte too many', Buffer.concat([npuBytes(), Buffer.alloc(1)]), 'longer than its header says'],
  ])('%s', (_, bytes, message) => {
    const got = messageOf(() => open(bytes));
    if (typeof message === 'string') expect(got).toContain(message);
    else expect(got).toMatch(message);
    expect(got.startsWith(folder.path('x.npu'))).toBe(true);
    expect(got).not.toContain('\n');
  });

  test('not the header of as many layers as there may be', () => {
    const most = { ...SMALL, layerCount: 4096 };
    const sums = new Map(npuTensors(most, false, 1).map(({ name }) => [name, formatChecksum(0)]));
    const bytes = encodeNpuHeader({ ...description(false), config: most, tokenizerBytes: 1 }, sums).length;
    expect(bytes).toBeLessThan(2 ** 23);
  });

  test('no file that an unedited header makes', () =>
    expect(() => open(edited(() => {})).close()).not.toThrow());
});

describe('a damaged .npu file', () => {
  test('is found out tensor by tensor, when that is read', () => {
    const bytes = npuBytes();
    const start = Number(bytes.readBigUInt64LE(0)) + 8;
    const damagedTensor = npuTensors(SMALL, true, tokenizer.length)[2]!;
    bytes[start + damagedTensor.offset + 77]! ^= 1;
    using file = open(bytes);
    const into = new Uint8Array(damagedTensor.bytes);
    expect(messageOf(() => file.readTensor('layers.0.w13', into))).toMatch(
      /x\.npu: tensor layers\.0\.w13 is damaged: got crc32:[0-9a-f]{8}, wanted crc32:[0-9a-f]{8}; /,
    );
    expect(() => file.readTensor('layers.0.w13', into, { verifyChecksum: false })).not.toThrow();
    expect(file.tensors.filter(({ name }) => !file.checksumMatches(name)).map(({ name }) => name)).toEqual([
      'layers.0.w13',
    ]);
    expect(file.readFloats('rms_final')).toHaveLength(12);
  });

  test('is not mistaken: wrong names, types and buffer sizes are the caller', () => {
    using file = open(npuBytes());
    expect(messageOf(() => file.tensor('layers.9.wo'))).toContain('no tensor layers.9.wo');
    expect(messageOf(() => file.readFloats('classifier'))).toContain('classifier is F16, not F32');
    expect(messageOf(() => file.readTensor('rms_final', new Uint8Array(3)))).toContain(
      'got 3, wanted 48 bytes',
    );
  });
});
