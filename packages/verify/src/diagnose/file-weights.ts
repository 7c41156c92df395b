import { CLASSIFIER_MATRIX, EMBEDDING_TENSOR, halfValues, NpuFile } from '@npu-llama/format';
import { exactProduct } from '../reference/index.js';
import type { ModelWeights } from './model-weights.js';
import { tileElement, untile } from './tile-layout.js';

/** A .npu file's own weights; closing it closes the file. */
export interface FileWeights extends ModelWeights, Disposable {
  /** Whether a tensor's bytes are those that the file's checksum was made of. */
  checksumMatches(tensor: string): boolean;
  hasTensor(tensor: string): boolean;
}

/**
 * Opens a .npu file to read its weights as they are, checksums or not: what is wrong with them is to be found out here.
 * @throws FileError when it cannot be read or its header is inconsistent
 */
export function openFileWeights(path: string): FileWeights {
  const file = NpuFile.open(path);
  const { config, matrices } = file;
  const bytes = (name: string): Uint8Array => {
    const into = new Uint8Array(file.tensor(name).bytes);
    file.readTensor(name, into, { verifyChecksum: false });
    return into;
  };
  const halves = (name: string): Uint16Array => new Uint16Array(bytes(name).buffer);
  const floats = (name: string): Float32Array => new Float32Array(bytes(name).buffer);
  const shared = file.description.sharedClassifier;
  const classifier = matrices.find(({ name }) => name === CLASSIFIER_MATRIX)!;
  // Read whole at the first token: the other way is a read for each.
  let embeddings: Uint16Array | undefined;
  return {
    kind: 'model',
    path,
    config,
    matrices,
    tiles: halves,
    product: async (name, input, batch) => {
      const layout = matrices.find(matrix => matrix.name === name)!;
      return exactProduct(untile(halves(name), layout), input, batch);
    },
    norm: (kind, layer) => floats(kind).subarray(layer * config.dim, (layer + 1) * config.dim),
    rmsFinal: () => floats('rms_final'),
    embedding: token => {
      embeddings ??= halves(shared ? CLASSIFIER_MATRIX : EMBEDDING_TENSOR);
      const values = halfValues();
      return Float32Array.from({ length: config.dim }, (_, column) => {
        const element = shared
          ? tileElement(token, column, classifier.paddedColumns)
          : token * config.dim + column;
        return values[embeddings![element]!]!;
      });
    },
    checksumMatches: name => file.checksumMatches(name),
    hasTensor: name => file.tensors.some(tensor => tensor.name === name),
    [Symbol.dispose]: () => file.close(),
  };
}
