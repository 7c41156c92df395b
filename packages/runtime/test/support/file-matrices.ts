import { NpuFile, type TiledMatrix } from '@npu-llama/format';

export interface FileMatrix {
  readonly matrix: TiledMatrix;
  /** As they are in the file. */
  readonly bytes: Uint8Array;
}

/** The matrices of a .npu file, in the order of the data flow. */
export function fileMatrices(path: string): Map<string, FileMatrix> {
  using file = NpuFile.open(path);
  return new Map(
    file.matrices.map(matrix => {
      const bytes = new Uint8Array(file.tensor(matrix.name).bytes);
      file.readTensor(matrix.name, bytes);
      return [matrix.name, { matrix, bytes }];
    }),
  );
}
