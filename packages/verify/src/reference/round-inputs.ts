import { KernelMemory, LAYOUT } from './kernel-memory.js';

/** Rounded inputs of a matrix. */
export interface RoundedInputs {
  /** FP16's values as f32 */
  readonly halves: Float32Array;
  /** Whether any is infinite. */
  readonly infinite: boolean;
}

/** Needs no weights: just the room where inputs stand. */
let desk: KernelMemory | undefined;

/** roundToHalf of every value, by a kernel. A zero may lose its sign. */
export function roundInputs(values: Float32Array): RoundedInputs {
  desk ??= new KernelMemory(0);
  const halves = new Float32Array(values.length);
  let infinite = false;
  for (let at = 0; at < values.length; at += LAYOUT.inputFloats) {
    const some = values.subarray(at, at + LAYOUT.inputFloats);
    desk.input.set(some);
    // The kernel takes four at a time.
    desk.input.fill(0, some.length, some.length + 3);
    infinite = desk.kernels.roundInputs(LAYOUT.input, some.length) !== 0 || infinite;
    halves.set(desk.input.subarray(0, some.length), at);
  }
  return { halves, infinite };
}
