import { kvDim, type ModelConfig } from '../model-config.js';
import { COLUMNS_PER_TILE, paddedColumnCount, paddedRowCount, ROWS_PER_GROUP } from '../tiles/layout.js';
import {
  CLASSIFIER_MATRIX,
  DTYPE_BYTES,
  EMBEDDING_TENSOR,
  type MatrixPart,
  type NpuTensor,
  type TensorDtype,
  type TiledMatrix,
  TOKENIZER_TENSOR,
} from './definition.js';

function fuse(
  name: string,
  columns: number,
  parts: readonly (readonly [source: string, rows: number])[],
): TiledMatrix {
  let firstRow = 0;
  const placed: MatrixPart[] = parts.map(([source, rows]) => {
    const part = { source, firstRow, rows };
    firstRow += paddedRowCount(rows);
    return part;
  });
  return { name, columns, paddedColumns: paddedColumnCount(columns), paddedRows: firstRow, parts: placed };
}

/** The tiled matrices of a model in the order of the data flow; fused where the input is shared. */
export function tiledMatrices(config: ModelConfig, sharedClassifier: boolean): TiledMatrix[] {
  const { dim, hiddenDim, vocabSize } = config;
  const kv = kvDim(config);
  const matrices: TiledMatrix[] = [];
  for (let layer = 0; layer < config.layerCount; layer++) {
    const at = `layers.${layer}`;
    matrices.push(
      fuse(`${at}.wqkv`, dim, [
        [`${at}.wq`, dim],
        [`${at}.wk`, kv],
        [`${at}.wv`, kv],
      ]),
      fuse(`${at}.wo`, dim, [[`${at}.wo`, dim]]),
      fuse(`${at}.w13`, dim, [
        [`${at}.w1`, hiddenDim],
        [`${at}.w3`, hiddenDim],
      ]),
      fuse(`${at}.w2`, hiddenDim, [[`${at}.w2`, dim]]),
    );
  }
  matrices.push(fuse(CLASSIFIER_MATRIX, dim, [[sharedClassifier ? 'token_embedding' : 'wcls', vocabSize]]));
  return matrices;
}

/** Bytes of a tiled matrix: in the file, and in DMA memory. */
export function tiledBytes(matrix: TiledMatrix): number {
  return matrix.paddedRows * matrix.paddedColumns * DTYPE_BYTES.F16;
}

/** Every tensor of a .npu file in the order of the file: tiled matrices, norms, embedding, tokenizer. */
export function npuTensors(
  config: ModelConfig,
  sharedClassifier: boolean,
  tokenizerBytes: number,
): NpuTensor[] {
  const tensors: NpuTensor[] = [];
  let offset = 0;
  const place = (name: string, dtype: TensorDtype, shape: readonly number[]): void => {
    const bytes = shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);
    tensors.push({ name, dtype, shape, offset, bytes });
    offset += bytes;
  };
  for (const matrix of tiledMatrices(config, sharedClassifier)) {
    const groups = matrix.paddedRows / ROWS_PER_GROUP;
    const tiles = matrix.paddedColumns / COLUMNS_PER_TILE;
    place(matrix.name, 'F16', [groups, tiles, ROWS_PER_GROUP, COLUMNS_PER_TILE]);
  }
  place('rms_att', 'F32', [config.layerCount, config.dim]);
  place('rms_ffn', 'F32', [config.layerCount, config.dim]);
  place('rms_final', 'F32', [config.dim]);
  // With a classifier of its own the embedding is looked up row by row on the CPU, so it needs no tiles.
  if (!sharedClassifier) place(EMBEDDING_TENSOR, 'F16', [config.vocabSize, config.dim]);
  if (tokenizerBytes > 0) place(TOKENIZER_TENSOR, 'U8', [tokenizerBytes]);
  return tensors;
}
