import { exp } from './exp';

/** gate = silu(gate) * up, `count` f32; silu(z) = z / (1 + exp(-z)). */
export function swiglu(gate: usize, up: usize, count: i32): void {
  const end = gate + ((<usize>count) << 2);
  for (; gate + 16 <= end; gate += 16, up += 16) {
    v128.store(gate, inline.always(gated(v128.load(gate), v128.load(up))));
  }
  for (; gate < end; gate += 4, up += 4) {
    v128.store32_lane(gate, gated(v128.load32_zero(gate), v128.load32_zero(up)), 0);
  }
}

function gated(z: v128, up: v128): v128 {
  const power = inline.always(exp(f32x4.neg(z)));
  return f32x4.mul(f32x4.div(z, f32x4.add(f32x4.splat(1), power)), up);
}

/** x = exp(x), `count` f32, a multiple of 4: for the test of exp. */
export function exponentials(x: usize, count: i32): void {
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 16) v128.store(x, exp(v128.load(x)));
}
