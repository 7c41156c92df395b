import { EMBEDDING_TENSOR, halfValues, type LoadTensorsOptions, type NpuFile } from '@npu-llama/format';
import { gatherWeightRow } from '@npu-llama/format/tiles';
import type { DmaBuffer } from '../driver/driver.js';

/** Looks up the embedding of a token: writes [dim] f32 into `into`. */
export type Embedding = (token: number, into: Float32Array) => void;

/**
 * The token embedding of a model: gathered from the tiles of the shared classifier in DMA memory, or from a row-major FP16
 * table of its own in ordinary memory.
 */
export async function openEmbedding(
  file: NpuFile,
  classifierWeights: DmaBuffer,
  reading: LoadTensorsOptions,
): Promise<Embedding> {
  const { dim } = file.config;
  if (file.description.sharedClassifier) {
    const { buffer, byteOffset, byteLength } = classifierWeights.bytes;
    const tiles = new Uint16Array(buffer, byteOffset, byteLength / 2);
    return (token, into) => gatherWeightRow(tiles, token, dim, into);
  }
  const bytes = new Uint8Array(file.tensor(EMBEDDING_TENSOR).bytes);
  await file.loadTensors([{ name: EMBEDDING_TENSOR, into: { bytes } }], reading);
  const table = new Uint16Array(bytes.buffer);
  const values = halfValues();
  return (token, into) => {
    const start = token * dim;
    for (let i = 0; i < dim; i++) into[i] = values[table[start + i]!]!;
  };
}
