import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { FileError } from '../errors.js';
import { CONFIG_FIELDS, checkModelConfig, type ModelConfig } from '../model-config.js';
import { MAX_TOKENIZER_BYTES } from '../tokenizer/tokenizer-file.js';
import {
  DATA_ALIGNMENT_BYTES,
  FORMAT_NAME,
  FORMAT_VERSION,
  LENGTH_PREFIX_BYTES,
  MAX_HEADER_BYTES,
  type NpuFileDescription,
  type NpuTensor,
  TOKENIZER_TENSOR,
} from './definition.js';
import { npuTensors, tiledMatrices } from './layout.js';

/** A parsed header. */
export interface NpuFileHeader {
  readonly description: NpuFileDescription;
  readonly tensors: readonly NpuTensor[];
  /** Checksum of each tensor by name, as formatChecksum writes it. */
  readonly checksums: ReadonlyMap<string, string>;
  /** Where the data begins in the file. */
  readonly dataOffset: number;
}

const TensorEntry = v.strictObject({
  dtype: v.string(),
  shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  data_offsets: v.tuple([v.pipe(v.number(), v.safeInteger()), v.pipe(v.number(), v.safeInteger())]),
});
const Metadata = v.record(v.string(), v.string());
const ModelJson = v.object({
  ...v.entriesFromList(
    CONFIG_FIELDS.map(([, name]) => name),
    v.number(),
  ),
  shared_classifier: v.boolean(),
});
const SourceJson = v.object({
  name: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  version: v.picklist([0, 1, 2]),
});
const ChecksumsJson = v.record(v.string(), v.pipe(v.string(), v.regex(/^crc32:[0-9a-f]{8}$/)));

/** What the parts of the fused matrices are and where: for readers in other languages; ours derives it from `model`. */
function matricesJson(config: ModelConfig, sharedClassifier: boolean): Record<string, unknown> {
  return Object.fromEntries(
    tiledMatrices(config, sharedClassifier).map(matrix => [
      matrix.name,
      {
        columns: matrix.columns,
        parts: Object.fromEntries(
          matrix.parts.map(part => [part.source, [part.firstRow, part.firstRow + part.rows]]),
        ),
      },
    ]),
  );
}

/**
 * The bytes before the data, a multiple of 4096. Their number does not depend on the checksums' values, so a writer can
 * leave room for them and write the header again at the end.
 */
export function encodeNpuHeader(
  description: NpuFileDescription,
  checksums: ReadonlyMap<string, string>,
): Uint8Array {
  const { config, sharedClassifier, source, tokenizerBytes } = description;
  const tensors = npuTensors(config, sharedClassifier, tokenizerBytes);
  const model = Object.fromEntries(CONFIG_FIELDS.map(([field, name]) => [name, config[field]]));
  const json = JSON.stringify({
    __metadata__: {
      format: FORMAT_NAME,
      format_version: String(FORMAT_VERSION),
      model: JSON.stringify({ ...model, shared_classifier: sharedClassifier }),
      matrices: JSON.stringify(matricesJson(config, sharedClassifier)),
      checksums: JSON.stringify(Object.fromEntries(checksums)),
      source: JSON.stringify(source),
      converter: description.converter,
      saturated: String(description.saturated).padStart(16, '0'),
    },
    ...Object.fromEntries(
      tensors.map(({ name, dtype, shape, offset, bytes }) => [
        name,
        { dtype, shape, data_offsets: [offset, offset + bytes] },
      ]),
    ),
  });
  const text = Buffer.from(json, 'utf8');
  const total = Math.ceil((LENGTH_PREFIX_BYTES + text.length) / DATA_ALIGNMENT_BYTES) * DATA_ALIGNMENT_BYTES;
  const bytes = Buffer.alloc(total, ' ');
  bytes.writeBigUInt64LE(BigInt(total - LENGTH_PREFIX_BYTES), 0);
  text.copy(bytes, LENGTH_PREFIX_BYTES);
  return bytes;
}

/**
 * The length of the JSON header from the file's first 8 bytes.
 * @throws FileError when it is impossible for a file of that size
 */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number, path: string): number {
  if (fileBytes === 0) throw new FileError(path, 'is empty', { wanted: 'a .npu file', next: CONVERT_AGAIN });
  if (prefix.length < LENGTH_PREFIX_BYTES) {
    throw new FileError(path, 'is no .npu file', { got: `${fileBytes} bytes`, next: CONVERT_AGAIN });
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new FileError(path, 'is no .npu file: impossible header length', {
      got: String(length),
      wanted: `at most ${MAX_HEADER_BYTES}`,
      next: CONVERT_AGAIN,
    });
  }
  if (LENGTH_PREFIX_BYTES + Number(length) > fileBytes) {
    throw new FileError(path, 'ends within its header', {
      got: `${fileBytes} bytes`,
      wanted: `a header of ${length}`,
      next: CONVERT_AGAIN,
    });
  }
  return Number(length);
}

const CONVERT_AGAIN = 'make one with convert-weights';

/**
 * Parses a .npu header and checks all of it against itself and against the file's size: the tensors must be those of
 * the model that it describes, where this format puts them.
 * @throws FileError naming what is inconsistent
 */
export function parseNpuHeader(json: Uint8Array, fileBytes: number, path: string): NpuFileHeader {
  const fail = (problem: string, got?: string, wanted?: string): never => {
    throw new FileError(path, problem, {
      ...(got === undefined ? {} : { got }),
      ...(wanted === undefined ? {} : { wanted }),
      next: CONVERT_AGAIN,
    });
  };
  const parse = <S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> => {
    const result = v.safeParse(schema, value);
    if (result.success) return result.output;
    const issue = result.issues[0];
    return fail(`${what} is not as a .npu file's${issuePath(issue)}: ${issue.message}`);
  };
  const parseText = (text: string, what: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return fail(`${what} is not JSON`);
    }
  };

  const raw = parseText(decodeUtf8(json, path), 'the header');
  // The schemas below leave this name out of what they see.
  if (typeof raw === 'object' && raw !== null && Object.hasOwn(raw, '__proto__')) {
    fail('unexpected tensor __proto__');
  }
  const header = parse(v.record(v.string(), v.unknown()), raw, 'the header');
  const { __metadata__: rawMetadata, ...rawTensors } = header;
  if (rawMetadata === undefined) fail('is a safetensors file, but no .npu file (no __metadata__)');
  const metadata = parse(Metadata, rawMetadata, '__metadata__');
  if (metadata['format'] !== FORMAT_NAME) {
    fail(
      'is a safetensors file, but no .npu file',
      `format ${metadata['format'] ?? 'not given'}`,
      FORMAT_NAME,
    );
  }
  if (metadata['format_version'] !== String(FORMAT_VERSION)) {
    fail('format version not known', metadata['format_version'] ?? 'none', String(FORMAT_VERSION));
  }
  const text = (key: string): string => metadata[key] ?? fail(`__metadata__ lacks ${key}`);
  const metadataJson = <S extends v.GenericSchema>(schema: S, key: string): v.InferOutput<S> =>
    parse(schema, parseText(text(key), `__metadata__.${key}`), `__metadata__.${key}`);

  const model = metadataJson(ModelJson, 'model');
  const config = Object.fromEntries(
    CONFIG_FIELDS.map(([field, name]) => [field, model[name]]),
  ) as unknown as ModelConfig;
  checkModelConfig(config, path, CONVERT_AGAIN);
  const source = metadataJson(SourceJson, 'source');
  const saturated = Number(text('saturated'));
  if (!Number.isSafeInteger(saturated) || saturated < 0)
    fail('__metadata__.saturated', text('saturated'), 'a count');

  const entries = new Map(
    Object.entries(rawTensors).map(([name, entry]) => [name, parse(TensorEntry, entry, `tensor ${name}`)]),
  );
  const tokenizerBytes = entries.get(TOKENIZER_TENSOR)?.shape[0] ?? 0;
  // A model of a million layers would make a plan of that size: bound it by the tensors that are there.
  if (config.layerCount > entries.size)
    fail('too few tensors', String(entries.size), `${config.layerCount} layers'`);
  // Read into memory as a whole.
  if (tokenizerBytes > MAX_TOKENIZER_BYTES)
    fail('the tokenizer is too large', `${tokenizerBytes} bytes`, `at most ${MAX_TOKENIZER_BYTES}`);
  const tensors = npuTensors(config, model.shared_classifier, tokenizerBytes);
  for (const { name, dtype, shape, offset, bytes } of tensors) {
    const entry = entries.get(name) ?? fail(`tensor ${name} is missing`);
    const wanted = describe(dtype, shape, offset, offset + bytes);
    const got = describe(entry.dtype, entry.shape, entry.data_offsets[0], entry.data_offsets[1]);
    if (got !== wanted) fail(`tensor ${name} is not what the model needs`, got, wanted);
    entries.delete(name);
  }
  const stray = entries.keys().next();
  if (!stray.done) fail(`unexpected tensor ${stray.value}`);
  // Not by their text: what is nested deep enough has none, JSON.stringify runs out of stack.
  if (
    !isDeepStrictEqual(
      parseText(text('matrices'), '__metadata__.matrices'),
      matricesJson(config, model.shared_classifier),
    )
  ) {
    fail('__metadata__.matrices does not describe the matrices of this model');
  }

  const checksums = new Map(Object.entries(metadataJson(ChecksumsJson, 'checksums')));
  for (const { name } of tensors) if (!checksums.has(name)) fail(`__metadata__.checksums lacks ${name}`);
  if (checksums.size !== tensors.length) fail('__metadata__.checksums names tensors that are not there');

  const dataOffset = LENGTH_PREFIX_BYTES + json.length;
  if (dataOffset % DATA_ALIGNMENT_BYTES !== 0) {
    fail('data does not start on a page', `byte ${dataOffset}`, `a multiple of ${DATA_ALIGNMENT_BYTES}`);
  }
  const last = tensors[tensors.length - 1]!;
  const wantedBytes = dataOffset + last.offset + last.bytes;
  if (fileBytes !== wantedBytes) {
    fail(
      fileBytes < wantedBytes ? 'shorter than its header promises' : 'longer than its header says',
      `${fileBytes} bytes`,
      String(wantedBytes),
    );
  }
  return {
    description: {
      config,
      sharedClassifier: model.shared_classifier,
      source,
      converter: text('converter'),
      saturated,
      tokenizerBytes,
    },
    tensors,
    checksums,
    dataOffset,
  };
}

function describe(dtype: string, shape: readonly number[], start: number, end: number): string {
  return `${dtype} [${shape.join(', ')}] at ${start} to ${end}`;
}

function issuePath(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(item => String(item.key)) ?? [];
  return keys.length === 0 ? '' : ` (${keys.join('.')})`;
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError(path, 'is no .npu file: its header is not UTF-8', { next: CONVERT_AGAIN, cause });
  }
}
