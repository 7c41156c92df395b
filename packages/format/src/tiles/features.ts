import { UsageError } from '../errors.js';
import { HALF_EXPONENT_MASK, halfFromFloatBits } from '../half.js';
import { FEATURE_CHANNELS, paddedColumnCount } from './layout.js';

/**
 * Rounds activations to FP16 (nearest, ties to even) and lays them out as the NPU's features; padding becomes zero.
 *
 * @param activations [rows][columns] f32, row-major
 * @param features [paddedColumns/8][featureRows][8] f16
 * @param featureRows M of the task: rows, or more; the others become zero
 * @returns the index in `activations` of the first value that FP16 cannot hold (NaN, or 65520 and beyond), or -1
 */
export function packFeatures(
  activations: Float32Array,
  rows: number,
  columns: number,
  features: Uint16Array,
  featureRows: number,
): number {
  const paddedColumns = paddedColumnCount(columns);
  const used = featureRows * paddedColumns;
  if (rows > featureRows || activations.length < rows * columns || features.length < used) {
    throw new UsageError(`packFeatures: ${rows} x ${columns} activations do not fit the buffers`, {
      got: `${activations.length} activations, ${features.length} features of ${featureRows} rows`,
    });
  }
  const bits = new Uint32Array(activations.buffer, activations.byteOffset, rows * columns);
  const surface = featureRows * FEATURE_CHANNELS;
  let unrepresentable = -1;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let column = 0; column < columns; column += FEATURE_CHANNELS) {
      const target = (column / FEATURE_CHANNELS) * surface + row * FEATURE_CHANNELS;
      const run = Math.min(FEATURE_CHANNELS, columns - column);
      for (let i = 0; i < run; i++) {
        const half = halfFromFloatBits(bits[start + column + i]!);
        if ((half & HALF_EXPONENT_MASK) === HALF_EXPONENT_MASK && unrepresentable === -1) {
          unrepresentable = start + column + i;
        }
        features[target + i] = half;
      }
      for (let i = run; i < FEATURE_CHANNELS; i++) features[target + i] = 0;
    }
  }
  clearPadding(features, rows, columns, paddedColumns, featureRows);
  return unrepresentable;
}

/** Zeros the rows and the whole 8-channel blocks that the activations do not reach. */
function clearPadding(
  features: Uint16Array,
  rows: number,
  columns: number,
  paddedColumns: number,
  featureRows: number,
): void {
  const surface = featureRows * FEATURE_CHANNELS;
  const usedBlocks = Math.ceil(columns / FEATURE_CHANNELS);
  if (rows < featureRows) {
    for (let block = 0; block < usedBlocks; block++) {
      features.fill(0, block * surface + rows * FEATURE_CHANNELS, (block + 1) * surface);
    }
  }
  features.fill(0, usedBlocks * surface, (paddedColumns / FEATURE_CHANNELS) * surface);
}
