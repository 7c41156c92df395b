import { UsageError } from '../errors.js';
import { HALF_EXPONENT_MASK, HALF_MAX_BITS, halfFromFloatBits, halfValues } from '../half.js';
import {
  COLUMNS_PER_TILE,
  paddedColumnCount,
  paddedRowCount,
  ROWS_PER_GROUP,
  weightIndex,
} from './layout.js';

/** What rounding to FP16 did to the weights so far; tileWeights adds to it. */
export interface RoundingReport {
  /** Largest |weight - rounded weight|, of the weights that were not clamped. */
  largestError: number;
  /** Finite weights beyond 65504 that were clamped to it. */
  saturated: number;
}

export type OverflowPolicy = 'error' | 'saturate';

/** A weight that FP16 cannot hold; row and column count from the first row given to tileWeights. */
export class UnrepresentableWeightError extends Error {
  constructor(
    readonly row: number,
    readonly column: number,
    readonly value: number,
  ) {
    super(`row ${row}, column ${column}: ${value} is beyond FP16`);
    this.name = 'UnrepresentableWeightError';
  }
}

/**
 * Rounds rows of weights to FP16 (nearest, ties to even) and lays them out in the NPU's tiles.
 *
 * @param weights [rows][columns] f32, row-major
 * @param tiles [paddedRows/16][paddedColumns/32][16][32] f16, all of it written: padding becomes zero
 * @param report added to
 * @throws UnrepresentableWeightError for NaN, infinities and, unless saturated, what rounds beyond 65504
 */
export function tileWeights(
  weights: Float32Array,
  rows: number,
  columns: number,
  tiles: Uint16Array,
  overflow: OverflowPolicy,
  report: RoundingReport,
): void {
  const paddedColumns = paddedColumnCount(columns);
  const paddedElements = paddedRowCount(rows) * paddedColumns;
  if (weights.length < rows * columns || tiles.length !== paddedElements) {
    throw new UsageError(`tileWeights: buffers do not fit ${rows} x ${columns} weights`, {
      got: `${weights.length} weights, ${tiles.length} tiled`,
      wanted: `${rows * columns} and ${paddedElements}`,
    });
  }
  if (rows % ROWS_PER_GROUP !== 0 || columns !== paddedColumns) tiles.fill(0);

  const bits = new Uint32Array(weights.buffer, weights.byteOffset, rows * columns);
  const values = halfValues();
  let largestError = report.largestError;
  let source = 0;
  for (let row = 0; row < rows; row++) {
    for (let firstColumn = 0; firstColumn < columns; firstColumn += COLUMNS_PER_TILE) {
      const run = Math.min(COLUMNS_PER_TILE, columns - firstColumn);
      const target = weightIndex(row, firstColumn, paddedColumns);
      for (let i = 0; i < run; i++, source++) {
        let half = halfFromFloatBits(bits[source]!);
        if ((half & HALF_EXPONENT_MASK) === HALF_EXPONENT_MASK) {
          const value = weights[source]!;
          if (overflow === 'error' || !Number.isFinite(value)) {
            throw new UnrepresentableWeightError(row, firstColumn + i, value);
          }
          half = value < 0 ? HALF_MAX_BITS | 0x8000 : HALF_MAX_BITS;
          report.saturated++;
        } else {
          const error = Math.abs(weights[source]! - values[half]!);
          if (error > largestError) largestError = error;
        }
        tiles[target + i] = half;
      }
    }
  }
  report.largestError = largestError;
}

/**
 * Gathers one row of tiled weights as FP32: columns/32 runs of 64 bytes, 1024 bytes apart.
 * @param tiles [paddedRows/16][paddedColumns/32][16][32] f16
 * @param into [columns] f32
 */
export function gatherWeightRow(tiles: Uint16Array, row: number, columns: number, into: Float32Array): void {
  const paddedColumns = paddedColumnCount(columns);
  if (row < 0 || (row + 1) * paddedColumns > tiles.length || into.length < columns) {
    throw new UsageError(`gatherWeightRow: row ${row} of ${columns} columns does not fit the buffers`, {
      got: `${tiles.length} tiled elements, room for ${into.length}`,
    });
  }
  const values = halfValues();
  for (let firstColumn = 0; firstColumn < columns; firstColumn += COLUMNS_PER_TILE) {
    const run = Math.min(COLUMNS_PER_TILE, columns - firstColumn);
    const source = weightIndex(row, firstColumn, paddedColumns);
    for (let i = 0; i < run; i++) into[firstColumn + i] = values[tiles[source + i]!]!;
  }
}
