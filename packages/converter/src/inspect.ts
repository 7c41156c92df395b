import { type ModelConfig, NpuFile, type NpuFileDescription, type NpuTensor } from '@npu-llama/format';
import { weightsDmaBytes } from './dma.js';

/** What a .npu file holds; `inspect --json` prints it. */
export interface ModelInspection {
  readonly path: string;
  readonly bytes: number;
  readonly config: ModelConfig;
  readonly sharedClassifier: boolean;
  readonly source: NpuFileDescription['source'];
  readonly converter: string;
  readonly saturated: number;
  readonly tokenizerBytes: number;
  readonly weightsDmaBytes: number;
  /** Where the tensors' bytes begin; their offsets count from here. */
  readonly dataOffset: number;
  readonly tensors: readonly (NpuTensor & { readonly checksum: string })[];
  /** The tensors whose bytes have another checksum, or null when that was not checked. */
  readonly damaged: readonly string[] | null;
}

/**
 * Describes a .npu file from its header.
 * @param check `checksums` reads all of the file as well
 * @throws FileError when it cannot be read or is inconsistent
 */
export function inspectModel(path: string, check: 'header' | 'checksums'): ModelInspection {
  using file = NpuFile.open(path);
  const { config, description, dataOffset } = file;
  return {
    path,
    bytes: file.bytes,
    ...description,
    weightsDmaBytes: weightsDmaBytes(config, description.sharedClassifier),
    dataOffset,
    tensors: file.tensors.map(tensor => ({ ...tensor, checksum: file.checksum(tensor.name) })),
    damaged:
      check === 'header'
        ? null
        : file.tensors.map(({ name }) => name).filter(name => !file.checksumMatches(name)),
  };
}
