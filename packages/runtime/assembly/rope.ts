/**
 * Turns the pairs (2i, 2i+1) of every head, in place.
 * @param vectors [rows][size] f32, size a multiple of headSize
 * @param turns [rows][headSize/2][cos, sin] f32
 */
export function applyRope(vectors: usize, rows: i32, size: i32, headSize: i32, turns: usize): void {
  const headBytes = (<usize>headSize) << 2;
  const rowBytes = (<usize>size) << 2;
  for (let row = 0; row < rows; ++row) {
    const end = vectors + rowBytes;
    for (; vectors < end; vectors += headBytes) {
      let i: usize = 0;
      for (; i + 16 <= headBytes; i += 16) {
        const turned = inline.always(turn(v128.load(vectors + i), v128.load(turns + i)));
        v128.store(vectors + i, turned);
      }
      // Half of it: heads have an even number of elements.
      if (i < headBytes) {
        const turned = turn(v128.load64_zero(vectors + i), v128.load64_zero(turns + i));
        v128.store64_lane(vectors + i, turned, 0);
      }
    }
    turns += headBytes;
  }
}

/** (a, b) -> (a cos - b sin, a sin + b cos), two pairs. */
function turn(pairs: v128, turns: v128): v128 {
  const cosines = v128.shuffle<f32>(turns, turns, 0, 0, 2, 2);
  const sines = v128.shuffle<f32>(turns, turns, 1, 1, 3, 3);
  const others = f32x4.mul(v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2), sines);
  // The sign bit of the first of each pair.
  const negated = v128.xor(others, i64x2.splat(0x80000000));
  return f32x4.add(f32x4.mul(pairs, cosines), negated);
}
