import {
  floatToHalf,
  HALF_MAX,
  halfToFloat,
  type MatrixPart,
  type TiledMatrix,
  tiledMatrices,
  UsageError,
} from '@npu-llama/format';
import {
  type ExactProduct,
  exactMatrixProduct,
  type LayerWeights,
  Pace,
  type PackedMatrix,
  type ReferenceWeights,
} from '../reference/index.js';
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
  const layoutOf = (name: string): TiledMatrix => {
    const layout = layouts.get(name);
    if (layout === undefined) throw new UsageError(`${path}: no matrix ${name}`);
    return layout;
  };
  const round = (value: number): number =>
    floatToHalf(saturated ? Math.min(HALF_MAX, Math.max(-HALF_MAX, value)) : value);
  return {
    kind: 'checkpoint',
    path,
    config,
    matrices,
    tiles: name => tile(layoutOf(name), part => partWeights(reference, part), round),
    product: (name, input, batch, signal) =>
      fusedProduct(layoutOf(name), input, batch, part =>
        exactMatrixProduct(partWeights(reference, part), input, batch, reference.threads, new Pace(signal)),
      ),
    norm: (kind, layer) => {
      const weights = reference.layers[layer]!;
      return kind === 'rms_att' ? weights.rmsAtt : weights.rmsFfn;
    },
    rmsFinal: () => reference.rmsFinal,
    embedding: token => reference.tokenEmbedding.row(token).map(value => halfToFloat(round(value))),
  };
}

/** The checkpoint's tensor that a part of a fused matrix holds. */
function partWeights(reference: ReferenceWeights, { source }: MatrixPart): PackedMatrix {
  if (source === 'token_embedding') return reference.tokenEmbedding;
  if (source === 'wcls') return reference.classifier;
  const [, layer, kind] = source.split('.');
  return reference.layers[Number(layer)]![kind as Exclude<keyof LayerWeights, 'rmsAtt' | 'rmsFfn'>];
}

/** Puts a matrix's parts into tiles, padding zero. */
function tile(
  { parts, columns, paddedColumns, paddedRows }: TiledMatrix,
  weightsOf: (part: MatrixPart) => PackedMatrix,
  round: (value: number) => number,
): Uint16Array {
  const tiles = new Uint16Array(paddedRows * paddedColumns);
  if (paddedRows % GROUP_ROWS !== 0) throw new RangeError(`${paddedRows} rows are no whole groups`);
  for (const part of parts) {
    const weights = weightsOf(part);
    for (let row = 0; row < part.rows; row++) {
      const values = weights.row(row);
      for (let first = 0; first < columns; first += TILE_COLUMNS) {
        const to = tileElement(part.firstRow + row, first, paddedColumns);
        const count = Math.min(TILE_COLUMNS, columns - first);
        for (let i = 0; i < count; i++) tiles[to + i] = round(values[first + i]!);
      }
    }
  }
  return tiles;
}

/** The products of a matrix's parts, put together; padding rows are zeros times the input. */
async function fusedProduct(
  { parts, paddedRows }: TiledMatrix,
  input: Float32Array,
  batch: number,
  productOf: (part: MatrixPart) => Promise<ExactProduct>,
): Promise<ExactProduct> {
  const sums = new Float64Array(batch * paddedRows);
  const magnitudes = new Float64Array(batch * paddedRows);
  const columns = input.length / batch;
  for (let b = 0; b < batch; b++) {
    const halves = input
      .subarray(b * columns, (b + 1) * columns)
      .map(value => halfToFloat(floatToHalf(value)));
    if (halves.every(Number.isFinite)) continue;
    sums.fill(Number.NaN, b * paddedRows, (b + 1) * paddedRows);
    magnitudes.fill(Number.NaN, b * paddedRows, (b + 1) * paddedRows);
  }
  for (const part of parts) {
    const product = await productOf(part);
    for (let b = 0; b < batch; b++) {
      const range = [b * part.rows, (b + 1) * part.rows] as const;
      sums.set(product.sums.subarray(...range), b * paddedRows + part.firstRow);
      magnitudes.set(product.magnitudes.subarray(...range), b * paddedRows + part.firstRow);
    }
  }
  return { sums, magnitudes };
}
