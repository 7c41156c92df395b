/** Columns in a tile, and weights that are rounded at a time: 64 bytes of halves. */
const RUN: i32 = 32;
const RUN_BYTES: usize = 64;
const GROUP_ROWS: i32 = 16;
/** From a run of a row to its next: a tile, [16][32] f16. */
const TILE_BYTES: usize = 1024;

/** In bits of a float32: everything but the sign, the exponent, 2^-14 (the smallest normal half), 65504 (the largest half). */
const MAGNITUDE: i32 = 0x7fffffff;
const EXPONENT: i32 = 0x7f800000;
const SMALLEST_NORMAL: i32 = 0x38800000;
const LARGEST: i32 = 0x477fe000;

/**
 * Rounds rows of weights to FP16 and lays them out in the NPU's tiles: what tileWeights of @npu-llama/format/tiles does.
 * @param weights [rows][columns] f32
 * @param tiles [rows/16, rounded up][columns/32, rounded up][16][32] f16; padding becomes zero
 * @param scratch 128 bytes to work in
 * @returns the largest |weight - rounded weight|, or -1 if FP16 cannot hold one of them: then the tiles are worth nothing
 */
export function tileWeights(weights: usize, rows: i32, columns: i32, tiles: usize, scratch: usize): f32 {
  const groupBytes = <usize>((columns + RUN - 1) / RUN) * TILE_BYTES;
  const lastGroup = tiles + <usize>((rows - 1) / GROUP_ROWS) * groupBytes;
  if (rows % GROUP_ROWS !== 0) memory.fill(lastGroup, 0, groupBytes);
  return roundRows(weights, rows, columns, tiles, RUN_BYTES, groupBytes, TILE_BYTES, scratch);
}

/**
 * As tileWeights, but leaves the rows as they are: what roundWeights of @npu-llama/format/tiles does.
 * @param halves [rows][columns] f16, and 64 bytes behind them that are written, too
 */
export function roundWeights(weights: usize, rows: i32, columns: i32, halves: usize, scratch: usize): f32 {
  const rowBytes = (<usize>columns) << 1;
  return roundRows(weights, rows, columns, halves, rowBytes, rowBytes << 4, RUN_BYTES, scratch);
}

/**
 * Rounds row by row. A row's last run is written whole, with zeros behind its end: padding in a tile, else overwritten by the row
 * behind it.
 * @param rowBytes from a row to the next of its group of 16
 * @param groupBytes from a group to the next
 * @param runBytes from a run of a row to its next
 */
function roundRows(
  weights: usize,
  rows: i32,
  columns: i32,
  halves: usize,
  rowBytes: usize,
  groupBytes: usize,
  runBytes: usize,
  scratch: usize,
): f32 {
  let errors = f32x4.splat(0);
  let largest = i32x4.splat(0);
  let next = weights;
  for (let row = 0; row < rows; ++row) {
    let to = halves + <usize>(row / GROUP_ROWS) * groupBytes + <usize>(row % GROUP_ROWS) * rowBytes;
    for (let left = columns; left > 0; left -= RUN) {
      let from = next;
      if (left < RUN) {
        memory.fill(scratch, 0, RUN << 2);
        memory.copy(scratch, from, (<usize>left) << 2);
        from = scratch;
      }
      next += (<usize>min(left, RUN)) << 2;
      for (let half: usize = 0; half < RUN_BYTES; half += 16) {
        const weights0 = v128.load(from);
        const weights1 = v128.load(from, 16);
        from += 32;
        const magnitudes0 = v128.and(weights0, i32x4.splat(MAGNITUDE));
        const magnitudes1 = v128.and(weights1, i32x4.splat(MAGNITUDE));
        // Magnitudes order as integers do, infinities and NaN last.
        largest = i32x4.max_s(largest, i32x4.max_s(magnitudes0, magnitudes1));
        const magic0 = magicOf(weights0);
        const magic1 = magicOf(weights1);
        const sums0 = f32x4.add(magnitudes0, magic0);
        const sums1 = f32x4.add(magnitudes1, magic1);
        // Both differences are exact.
        const errors0 = f32x4.abs(f32x4.sub(f32x4.sub(sums0, magic0), magnitudes0));
        const errors1 = f32x4.abs(f32x4.sub(f32x4.sub(sums1, magic1), magnitudes1));
        errors = i32x4.max_s(errors, i32x4.max_s(errors0, errors1));
        const halves0 = halvesOf(weights0, sums0, magic0);
        const halves1 = halvesOf(weights1, sums1, magic1);
        v128.store(to + half, i16x8.narrow_i32x4_u(halves0, halves1));
      }
      to += runBytes;
    }
  }
  if (v128.any_true(i32x4.gt_s(largest, i32x4.splat(LARGEST)))) return -1;
  return max(
    max(f32x4.extract_lane(errors, 0), f32x4.extract_lane(errors, 1)),
    max(f32x4.extract_lane(errors, 2), f32x4.extract_lane(errors, 3)),
  );
}

/**
 * 2^13 times the power of two below each magnitude, and at least 2^-14 (subnormal halves have its step). A magnitude added to it
 * keeps the 10 fraction bits of a half: the addition rounds to nearest even.
 */
function magicOf(weights: v128): v128 {
  const powers = i32x4.max_s(v128.and(weights, i32x4.splat(EXPONENT)), i32x4.splat(SMALLEST_NORMAL));
  return i32x4.add(powers, i32x4.splat(13 << 23));
}

/**
 * The bits of each half, from the rounded sum. As integers, sum - magic is the half's fraction with its leading one, if it has one, in
 * bit 10. Added to exponent - 1, that bit completes the exponent; so does a carry of the rounding. 13 + 113: the magic's 2^13, and
 * the biased exponent of 2^-14.
 */
function halvesOf(weights: v128, sums: v128, magic: v128): v128 {
  const exponents = i32x4.sub(i32x4.shr_u(magic, 13), i32x4.splat((13 + 113) << 10));
  const signs = v128.and(i32x4.shr_u(weights, 16), i32x4.splat(0x8000));
  return v128.or(i32x4.add(i32x4.sub(sums, magic), exponents), signs);
}
