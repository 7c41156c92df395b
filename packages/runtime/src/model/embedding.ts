import { EMBEDDING_TENSOR, type LoadTensorsOptions, type NpuFile } from '@npu-llama/format';
import { COLUMNS_PER_TILE, paddedColumnCount, ROWS_PER_GROUP, weightIndex } from '@npu-llama/format/tiles';
import type { DmaBuffer } from '../driver/driver.js';
import type { CpuKernels, HalfRuns } from '../kernels/index.js';

/**
 * The token embedding of a model: gathered from the tiles of the shared classifier in DMA memory, 64 bytes at a time, or from
 * a row-major FP16 table of its own in ordinary memory.
 */
export class Embedding {
  private constructor(
    private readonly halves: Uint16Array,
    private readonly dim: number,
    private readonly runs: HalfRuns,
    /** Element of `halves` that a token's row begins at. */
    private readonly firstOf: (token: number) => number,
  ) {}

  /** @throws FileError when a table of its own cannot be read or is damaged */
  static async open(
    file: NpuFile,
    classifierWeights: DmaBuffer,
    reading: LoadTensorsOptions,
  ): Promise<Embedding> {
    const { dim } = file.config;
    if (file.description.sharedClassifier) {
      const { buffer, byteOffset, byteLength } = classifierWeights.bytes;
      const tiles = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const paddedColumns = paddedColumnCount(dim);
      const runs = { run: COLUMNS_PER_TILE, stride: ROWS_PER_GROUP * COLUMNS_PER_TILE };
      return new Embedding(tiles, dim, runs, token => weightIndex(token, 0, paddedColumns));
    }
    const bytes = new Uint8Array(file.tensor(EMBEDDING_TENSOR).bytes);
    await file.loadTensors([{ name: EMBEDDING_TENSOR, into: { bytes } }], reading);
    const table = new Uint16Array(bytes.buffer);
    return new Embedding(table, dim, { run: dim, stride: dim }, token => token * dim);
  }

  /** Looks up the embedding of a token: writes [dim] f32 into `into`, an array of the kernels' memory, from element `at`. */
  look(token: number, kernels: CpuKernels, into: Float32Array, at: number): void {
    kernels.embeddingRow(this.halves, this.firstOf(token), this.runs, into, at, this.dim);
  }
}
