/** Adds a tile's products with four inputs to their 8 sums each. */
export function addTileToFour(
  tile: usize,
  columns: i32,
  input: usize,
  inputStride: usize,
  output: usize,
  outputStride: usize,
): void {
  let x0 = input;
  let x1 = x0 + inputStride;
  let x2 = x1 + inputStride;
  let x3 = x2 + inputStride;
  const out1 = output + outputStride;
  const out2 = out1 + outputStride;
  const out3 = out2 + outputStride;
  let sums00 = v128.load(output);
  let sums01 = v128.load(output, 16);
  let sums10 = v128.load(out1);
  let sums11 = v128.load(out1, 16);
  let sums20 = v128.load(out2);
  let sums21 = v128.load(out2, 16);
  let sums30 = v128.load(out3);
  let sums31 = v128.load(out3, 16);
  const end = tile + ((<usize>columns) << 5);
  for (let at = tile; at < end; at += 32) {
    const weights0 = v128.load(at);
    const weights1 = v128.load(at, 16);
    let value = v128.load32_splat(x0);
    sums00 = f32x4.add(sums00, f32x4.mul(weights0, value));
    sums01 = f32x4.add(sums01, f32x4.mul(weights1, value));
    value = v128.load32_splat(x1);
    sums10 = f32x4.add(sums10, f32x4.mul(weights0, value));
    sums11 = f32x4.add(sums11, f32x4.mul(weights1, value));
    value = v128.load32_splat(x2);
    sums20 = f32x4.add(sums20, f32x4.mul(weights0, value));
    sums21 = f32x4.add(sums21, f32x4.mul(weights1, value));
    value = v128.load32_splat(x3);
    sums30 = f32x4.add(sums30, f32x4.mul(weights0, value));
    sums31 = f32x4.add(sums31, f32x4.mul(weights1, value));
    x0 += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
  }
  v128.store(output, sums00);
  v128.store(output, sums01, 16);
  v128.store(out1, sums10);
  v128.store(out1, sums11, 16);
  v128.store(out2, sums20);
  v128.store(out2, sums21, 16);
  v128.store(out3, sums30);
  v128.store(out3, sums31, 16);
}

/** Adds a tile's products with one input to its 8 sums. */
export function addTile(tile: usize, columns: i32, input: usize, output: usize): void {
  let sums0 = v128.load(output);
  let sums1 = v128.load(output, 16);
  const end = tile + ((<usize>columns) << 5);
  let x = input;
  for (let at = tile; at < end; at += 32) {
    const value = v128.load32_splat(x);
    sums0 = f32x4.add(sums0, f32x4.mul(v128.load(at), value));
    sums1 = f32x4.add(sums1, f32x4.mul(v128.load(at, 16), value));
    x += 4;
  }
  v128.store(output, sums0);
  v128.store(output, sums1, 16);
}
