/** x += y, `count` f32. */
export function addInPlace(x: usize, y: usize, count: i32): void {
  const end = x + ((<usize>count) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
  for (; x < end; x += 4, y += 4) store<f32>(x, load<f32>(x) + load<f32>(y));
}
