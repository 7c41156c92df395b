/** Numbers in [-1, 1), the same at every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

export function randomFloats(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, randomNumbers(seed));
}
