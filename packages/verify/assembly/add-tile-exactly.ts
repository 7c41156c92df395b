/**
 * Adds a tile's products with one input to their 8 sums in double, and the absolute values to theirs. A product of two halves has
 * 22 bits, so the float32 that it is computed in holds it exactly.
 */
export function addTileExactly(
  tile: usize,
  columns: i32,
  input: usize,
  sums: usize,
  magnitudes: usize,
): void {
  let sums0 = v128.load(sums);
  let sums1 = v128.load(sums, 16);
  let sums2 = v128.load(sums, 32);
  let sums3 = v128.load(sums, 48);
  let magnitudes0 = v128.load(magnitudes);
  let magnitudes1 = v128.load(magnitudes, 16);
  let magnitudes2 = v128.load(magnitudes, 32);
  let magnitudes3 = v128.load(magnitudes, 48);
  const end = tile + ((<usize>columns) << 5);
  let x = input;
  for (let at = tile; at < end; at += 32) {
    const value = v128.load32_splat(x);
    const products0 = f32x4.mul(v128.load(at), value);
    const products1 = f32x4.mul(v128.load(at, 16), value);
    let two = f64x2.promote_low_f32x4(products0);
    sums0 = f64x2.add(sums0, two);
    magnitudes0 = f64x2.add(magnitudes0, f64x2.abs(two));
    two = f64x2.promote_low_f32x4(v128.shuffle<f32>(products0, products0, 2, 3, 2, 3));
    sums1 = f64x2.add(sums1, two);
    magnitudes1 = f64x2.add(magnitudes1, f64x2.abs(two));
    two = f64x2.promote_low_f32x4(products1);
    sums2 = f64x2.add(sums2, two);
    magnitudes2 = f64x2.add(magnitudes2, f64x2.abs(two));
    two = f64x2.promote_low_f32x4(v128.shuffle<f32>(products1, products1, 2, 3, 2, 3));
    sums3 = f64x2.add(sums3, two);
    magnitudes3 = f64x2.add(magnitudes3, f64x2.abs(two));
    x += 4;
  }
  v128.store(sums, sums0);
  v128.store(sums, sums1, 16);
  v128.store(sums, sums2, 32);
  v128.store(sums, sums3, 48);
  v128.store(magnitudes, magnitudes0);
  v128.store(magnitudes, magnitudes1, 16);
  v128.store(magnitudes, magnitudes2, 32);
  v128.store(magnitudes, magnitudes3, 48);
}
