import { UsageError } from '../errors.js';
import {
  FLOAT_MAGNITUDE_MASK,
  HALF_MAX_BITS,
  HALF_MAX_FLOAT_BITS,
  HALF_SIGN,
  halfFromFloatBits,
  halfValues,
} from '../half.js';
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
 * @throws UnrepresentableWeightError for NaN, infinities and, unless saturated, what is beyond 65504
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
  checkBuffers('tileWeights', weights, rows, columns, tiles, paddedRowCount(rows) * paddedColumns);
  if (rows % ROWS_PER_GROUP !== 0 || columns !== paddedColumns) tiles.fill(0);
  const bits = floatBits(weights, rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let firstColumn = 0; firstColumn < columns; firstColumn += COLUMNS_PER_TILE) {
      const run = Math.min(COLUMNS_PER_TILE, columns - firstColumn);
      const target = weightIndex(row, firstColumn, paddedColumns);
      roundRun(weights, bits, row * columns + firstColumn, run, tiles, target, columns, overflow, report);
    }
  }
}

/**
 * Rounds rows of weights to FP16 as tileWeights does, but leaves them row-major: for what the CPU looks up row by row.
 *
 * @param weights [rows][columns] f32, row-major
 * @param halves [rows][columns] f16
 * @param report added to
 * @throws UnrepresentableWeightError as tileWeights
 */
export function roundWeights(
  weights: Float32Array,
  rows: number,
  columns: number,
  halves: Uint16Array,
  overflow: OverflowPolicy,
  report: RoundingReport,
): void {
  checkBuffers('roundWeights', weights, rows, columns, halves, rows * columns);
  const bits = floatBits(weights, rows * columns);
  for (let row = 0; row < rows; row++) {
    roundRun(weights, bits, row * columns, columns, halves, row * columns, columns, overflow, report);
  }
}

function floatBits(floats: Float32Array, length: number): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, length);
}

function checkBuffers(
  caller: string,
  weights: Float32Array,
  rows: number,
  columns: number,
  halves: Uint16Array,
  wantedHalves: number,
): void {
  if (weights.length >= rows * columns && halves.length === wantedHalves) return;
  throw new UsageError(`${caller}: buffers do not fit ${rows} x ${columns} weights`, {
    got: `${weights.length} weights, ${halves.length} halves`,
    wanted: `${rows * columns} and ${wantedHalves}`,
  });
}

/** Rounds `count` consecutive weights, all of one row of `columns`. */
function roundRun(
  weights: Float32Array,
  bits: Uint32Array,
  source: number,
  count: number,
  halves: Uint16Array,
  target: number,
  columns: number,
  overflow: OverflowPolicy,
  report: RoundingReport,
): void {
  const values = halfValues();
  let largestError = report.largestError;
  for (let i = 0; i < count; i++) {
    const value = weights[source + i]!;
    const valueBits = bits[source + i]!;
    if ((valueBits & FLOAT_MAGNITUDE_MASK) > HALF_MAX_FLOAT_BITS) {
      if (overflow === 'error' || !Number.isFinite(value)) {
        const index = source + i;
        throw new UnrepresentableWeightError(Math.floor(index / columns), index % columns, value);
      }
      halves[target + i] = value < 0 ? HALF_SIGN | HALF_MAX_BITS : HALF_MAX_BITS;
      report.saturated++;
      continue;
    }
    const half = halfFromFloatBits(valueBits);
    halves[target + i] = half;
    const error = Math.abs(value - values[half]!);
    if (error > largestError) largestError = error;
  }
  report.largestError = largestError;
}
