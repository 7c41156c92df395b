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
 * @param signal heard between tensors
 * @throws FileError when it cannot be read or is inconsistent; the signal's reason when aborted
 */
export async function inspectModel(
  path: string,
  check: 'header' | 'checksums',
  signal?: AbortSignal,
): Promise<ModelInspection> {
  using file = NpuFile.open(path);
  const { config, description, dataOffset } = file;
  return {
    path,
    bytes: file.bytes,
    ...description,
    weightsDmaBytes: weightsDmaBytes(config, description.sharedClassifier),
    dataOffset,
    tensors: file.tensors.map(tensor => ({ ...tensor, checksum: file.checksum(tensor.name) })),
    damaged: check === 'header' ? null : await damagedTensors(file, signal),
  };
}

async function damagedTensors(file: NpuFile, signal: AbortSignal | undefined): Promise<string[]> {
  const damaged: string[] = [];
  for (const { name } of file.tensors) {
    if (!file.checksumMatches(name)) damaged.push(name);
    await new Promise(resolve => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return damaged;
}
