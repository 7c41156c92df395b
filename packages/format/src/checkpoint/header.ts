import { FileError } from '../errors.js';
import { CONFIG_FIELDS, checkModelConfig, type ModelConfig } from '../model-config.js';
import {
  CHECKPOINT_MAGIC,
  type CheckpointHeader,
  LEGACY_HEADER_BYTES,
  VERSIONED_HEADER_BYTES,
} from './layout.js';
import { versionedTensorOrder } from './tensors.js';

const MAGIC_BYTES = 8;
const SHARED_FLAG_OFFSET = MAGIC_BYTES + LEGACY_HEADER_BYTES;
/** Behind the one-byte flag, so not aligned. */
const GROUP_SIZE_OFFSET = SHARED_FLAG_OFFSET + 1;

const FOREIGN_SIGNATURES: readonly (readonly [signature: string, what: string])[] = [
  ['GGUF', 'a GGUF file (llama.cpp)'],
  ['ggml', 'a GGML file (llama.cpp)'],
  ['PK\u0003\u0004', 'a zip archive (a PyTorch checkpoint?)'],
  ['\u007fELF', 'a program'],
  ['<htm', 'a web page'],
  ['<!DO', 'a web page'],
  ['vers', 'a Git LFS pointer'],
];

function readConfig(view: DataView, offset: number): ModelConfig {
  const values = CONFIG_FIELDS.map(([field], i) => [field, view.getInt32(offset + 4 * i, true)] as const);
  return Object.fromEntries(values) as unknown as ModelConfig;
}

/**
 * Reads the header of a llama2.c checkpoint of any version, told apart by content.
 * @param bytes the file's beginning, 256 bytes or the whole file if it is shorter
 * @throws FileError when it is too short, foreign, of an unknown version, or declares impossible dimensions
 */
export function parseCheckpointHeader(bytes: Uint8Array, path: string): CheckpointHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) {
    throw new FileError(path, 'is empty', { wanted: 'a llama2.c checkpoint' });
  }
  for (const [signature, what] of FOREIGN_SIGNATURES) {
    if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') === signature) {
      throw new FileError(path, `is ${what}`, {
        wanted: 'a llama2.c checkpoint',
        next: "export it with llama2.c's export.py",
      });
    }
  }
  // safetensors begin with a length of 8 bytes and JSON.
  if (bytes.length > 9 && bytes[8] === 0x7b && bytes[7] === 0) {
    throw new FileError(path, 'is a safetensors or .npu file', { wanted: 'a llama2.c checkpoint' });
  }
  const versioned = bytes.length >= 4 && view.getUint32(0, true) === CHECKPOINT_MAGIC;
  const headerBytes = versioned ? VERSIONED_HEADER_BYTES : LEGACY_HEADER_BYTES;
  if (bytes.length < headerBytes) {
    throw new FileError(path, 'ends within its header', {
      got: `${bytes.length} bytes`,
      wanted: `at least ${headerBytes}`,
    });
  }
  return versioned ? parseVersioned(bytes, view, path) : parseLegacy(view, path);
}

function parseLegacy(view: DataView, path: string): CheckpointHeader {
  const raw = readConfig(view, 0);
  // llama2.c's flag for a classifier of its own is the sign of vocab_size.
  const config = { ...raw, vocabSize: Math.abs(raw.vocabSize) };
  checkModelConfig(config, path);
  return { version: 0, config, sharedClassifier: raw.vocabSize > 0 };
}

function parseVersioned(bytes: Uint8Array, view: DataView, path: string): CheckpointHeader {
  const version = view.getInt32(4, true);
  if (version !== 1 && version !== 2) {
    throw new FileError(path, 'checkpoint version not known', { got: String(version), wanted: '0, 1 or 2' });
  }
  const config = readConfig(view, MAGIC_BYTES);
  checkModelConfig(config, path);
  const shared = view.getUint8(SHARED_FLAG_OFFSET);
  if (shared > 1) {
    throw new FileError(path, 'impossible shared-classifier flag', { got: String(shared), wanted: '0 or 1' });
  }
  const sharedClassifier = shared === 1;
  const groupSize = version === 2 ? view.getInt32(GROUP_SIZE_OFFSET, true) : undefined;
  const used = groupSize === undefined ? GROUP_SIZE_OFFSET : GROUP_SIZE_OFFSET + 4;
  const stray = bytes.subarray(used, VERSIONED_HEADER_BYTES).findIndex(byte => byte !== 0);
  if (stray !== -1) {
    throw new FileError(path, `header byte ${used + stray} is not zero`, {
      got: String(bytes[used + stray]),
      next: 'the file is damaged, or newer than this tool',
    });
  }
  if (groupSize === undefined) return { version: 1, config, sharedClassifier };
  if (groupSize < 1) {
    throw new FileError(path, 'impossible group_size', { got: String(groupSize), wanted: 'at least 1' });
  }
  for (const { name, rows, columns } of versionedTensorOrder(config, sharedClassifier).matrices) {
    if ((rows * columns) % groupSize !== 0) {
      throw new FileError(path, `group_size does not divide ${name}`, {
        got: `group_size ${groupSize}, ${rows} x ${columns} values`,
      });
    }
  }
  return { version: 2, config, sharedClassifier, groupSize };
}

/** The header's bytes: 28 for version 0, 256 for versions 1 and 2. */
export function encodeCheckpointHeader(header: CheckpointHeader): Uint8Array {
  const { version, config, sharedClassifier, groupSize } = header;
  const bytes = new Uint8Array(version === 0 ? LEGACY_HEADER_BYTES : VERSIONED_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const configOffset = version === 0 ? 0 : MAGIC_BYTES;
  CONFIG_FIELDS.forEach(([field], i) => {
    view.setInt32(configOffset + 4 * i, config[field], true);
  });
  if (version === 0) {
    if (!sharedClassifier) view.setInt32(4 * 5, -config.vocabSize, true);
    return bytes;
  }
  view.setUint32(0, CHECKPOINT_MAGIC, true);
  view.setInt32(4, version, true);
  view.setUint8(SHARED_FLAG_OFFSET, sharedClassifier ? 1 : 0);
  if (groupSize !== undefined) view.setInt32(GROUP_SIZE_OFFSET, groupSize, true);
  return bytes;
}
