import type { TiledMatrix } from '@npu-llama/format';
import type { ReferenceWeights } from '../reference/index.js';
import type { FileWeights } from './file-weights.js';
import { matrixValues } from './model-weights.js';

/**
 * A .npu file's own weights for the reference, where there is no checkpoint: what it computes is what the file says, right
 * or wrong. Takes as much memory as the weights in FP32.
 */
export function referenceOfFile(file: FileWeights): ReferenceWeights {
  const { config, matrices } = file;
  const parts = new Map<string, Float32Array>();
  const fill = (layout: TiledMatrix): void => {
    const values = matrixValues(file, layout);
    for (const { source, firstRow, rows } of layout.parts) {
      parts.set(source, values.slice(firstRow * layout.columns, (firstRow + rows) * layout.columns));
    }
  };
  for (const layout of matrices) fill(layout);
  const shared = parts.get('token_embedding');
  const part = (layer: number, name: string): Float32Array => parts.get(`layers.${layer}.${name}`)!;
  return {
    path: file.path,
    config,
    tokenEmbedding: shared ?? embeddingTable(file),
    layers: Array.from({ length: config.layerCount }, (_, layer) => ({
      rmsAtt: file.norm('rms_att', layer),
      wq: part(layer, 'wq'),
      wk: part(layer, 'wk'),
      wv: part(layer, 'wv'),
      wo: part(layer, 'wo'),
      rmsFfn: file.norm('rms_ffn', layer),
      w1: part(layer, 'w1'),
      w2: part(layer, 'w2'),
      w3: part(layer, 'w3'),
    })),
    rmsFinal: file.rmsFinal(),
    classifier: shared ?? parts.get('wcls')!,
  };
}

function embeddingTable({ config, embedding }: FileWeights): Float32Array {
  const table = new Float32Array(config.vocabSize * config.dim);
  for (let token = 0; token < config.vocabSize; token++) table.set(embedding(token), token * config.dim);
  return table;
}
