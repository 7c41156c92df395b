/**
 * The NPU's tiled FP16 layouts (RK3588 TRM chapter 36, and measurements). C[M,N] = A[M,K] . B[N,K]^T.
 *
 * | data               | layout               |
 * | FP16 weights B     | [N/16][K/32][16][32] |
 * | FP16 features A    | [K/8][M][8]          |
 * | FP32 result C      | [N/4][M][4]          |
 */

/** Output channels (rows of B) in one weight group. N is padded to a multiple of it. */
export const ROWS_PER_GROUP = 16;
/** Input channels in one weight tile. K is padded to a multiple of it. */
export const COLUMNS_PER_TILE = 32;
/** Input channels that stand together in the features. */
export const FEATURE_CHANNELS = 8;
/** Output channels that stand together in an FP32 result. */
export const RESULT_CHANNELS = 4;

const TILE_ELEMENTS = ROWS_PER_GROUP * COLUMNS_PER_TILE;
/** One tile of FP16 weights: every tiled tensor is a whole number of them. */
export const TILE_BYTES = TILE_ELEMENTS * 2;

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** N as the NPU wants it: a multiple of 16. */
export function paddedRowCount(rows: number): number {
  return roundUp(rows, ROWS_PER_GROUP);
}

/** K as the NPU wants it: a multiple of 32. */
export function paddedColumnCount(columns: number): number {
  return roundUp(columns, COLUMNS_PER_TILE);
}

/** Element of B's row n (output channel), column k (input channel); paddedColumns is K. */
export function weightIndex(n: number, k: number, paddedColumns: number): number {
  const group = Math.floor(n / ROWS_PER_GROUP) * ROWS_PER_GROUP * paddedColumns;
  const tile = Math.floor(k / COLUMNS_PER_TILE) * TILE_ELEMENTS;
  return group + tile + (n % ROWS_PER_GROUP) * COLUMNS_PER_TILE + (k % COLUMNS_PER_TILE);
}

/** Element of A's row m, column k; M rows in all. */
export function featureIndex(m: number, k: number, rowCount: number): number {
  return (
    Math.floor(k / FEATURE_CHANNELS) * rowCount * FEATURE_CHANNELS +
    m * FEATURE_CHANNELS +
    (k % FEATURE_CHANNELS)
  );
}

/** Element of an FP32 C's row m, column n; M rows in all. */
export function resultIndex(m: number, n: number, rowCount: number): number {
  return (
    Math.floor(n / RESULT_CHANNELS) * rowCount * RESULT_CHANNELS + m * RESULT_CHANNELS + (n % RESULT_CHANNELS)
  );
}
