/**
 * Copies rows of a result out of the NPU's layout.
 * @param result [count/4][resultRows][4] f32
 * @param count columns, of which the last four may not be whole
 * @param into first element of the first row; rows are `stride` bytes apart
 */
export function unpackResult(
  result: usize,
  resultRows: i32,
  rows: i32,
  count: i32,
  into: usize,
  stride: usize,
): void {
  const surface = (<usize>resultRows) << 4;
  let block = 0;
  // Four blocks at a time: a row's 64 bytes, a cache line, are written at once.
  for (; (block + 4) << 2 <= count; block += 4) {
    let from = result + <usize>block * surface;
    let to = into + ((<usize>block) << 4);
    for (let row = 0; row < rows; ++row, from += 16, to += stride) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from + surface), 16);
      v128.store(to, v128.load(from + (surface << 1)), 32);
      v128.store(to, v128.load(from + (surface << 1) + surface), 48);
    }
  }
  for (; block << 2 < count; ++block) {
    const width = <usize>min(4, count - (block << 2));
    for (let row = 0; row < rows; ++row) {
      const from = result + <usize>block * surface + ((<usize>row) << 4);
      memory.copy(into + <usize>row * stride + ((<usize>block) << 4), from, width << 2);
    }
  }
}
