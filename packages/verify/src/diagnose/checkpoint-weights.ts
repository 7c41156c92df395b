import {
  floatToHalf,
  HALF_MAX,
  halfToFloat,
  type MatrixPart,
  type TiledMatrix,
  tiledMatrices,
  UsageError,
} from '@npu-llama/format';
import type { LayerWeights, ReferenceWeights } from '../reference/index.js';
import type { ModelWeights } from './model-weights.js';
import { GROUP_ROWS, TILE_COLUMNS, tileElement } from './tile-layout.js';

export interface CheckpointWeightsOptions {
  /** Whether the file was converted with --saturate: weights beyond FP16 are its largest number then. */
  readonly saturated: boolean;
}

/** A checkpoint's weights as a .npu file should hold them: rounded to FP16 when they are asked for. */
export function checkpointWeights(
  reference: ReferenceWeights,
  { saturated }: CheckpointWeightsOptions,
): ModelWeights {
  const { config, path } = reference;
  const shared = reference.classifier === reference.tokenEmbedding;
  const matrices = tiledMatrices(config, shared);
  const layouts = new Map(matrices.map(matrix => [matrix.name, matrix]));
  const round = (value: number): number =>
    floatToHalf(saturated ? Math.min(HALF_MAX, Math.max(-HALF_MAX, value)) : value);
  return {
    kind: 'checkpoint',
    path,
    config,
    matrices,
    tiles: name => {
      const layout = layouts.get(name);
      if (layout === undefined) throw new UsageError(`${path}: no matrix ${name}`);
      return tile(layout, part => partWeights(reference, part), round);
    },
    norm: (kind, layer) => {
      const weights = reference.layers[layer]!;
      return kind === 'rms_att' ? weights.rmsAtt : weights.rmsFfn;
    },
    rmsFinal: () => reference.rmsFinal,
    embedding: token =>
      reference.tokenEmbedding
        .subarray(token * config.dim, (token + 1) * config.dim)
        .map(value => halfToFloat(round(value))),
  };
}

/** The checkpoint's tensor that a part of a fused matrix holds: [part.rows][columns] f32. */
function partWeights(reference: ReferenceWeights, { source }: MatrixPart): Float32Array {
  if (source === 'token_embedding') return reference.tokenEmbedding;
  if (source === 'wcls') return reference.classifier;
  const [, layer, kind] = source.split('.');
  return reference.layers[Number(layer)]![kind as keyof LayerWeights];
}

/** Puts a matrix's parts into tiles, padding zero. */
function tile(
  { parts, columns, paddedColumns, paddedRows }: TiledMatrix,
  weightsOf: (part: MatrixPart) => Float32Array,
  round: (value: number) => number,
): Uint16Array {
  const tiles = new Uint16Array(paddedRows * paddedColumns);
  if (paddedRows % GROUP_ROWS !== 0) throw new RangeError(`${paddedRows} rows are no whole groups`);
  for (const part of parts) {
    const weights = weightsOf(part);
    for (let row = 0; row < part.rows; row++) {
      for (let first = 0; first < columns; first += TILE_COLUMNS) {
        const to = tileElement(part.firstRow + row, first, paddedColumns);
        const from = row * columns + first;
        const count = Math.min(TILE_COLUMNS, columns - first);
        for (let i = 0; i < count; i++) tiles[to + i] = round(weights[from + i]!);
      }
    }
  }
  return tiles;
}
