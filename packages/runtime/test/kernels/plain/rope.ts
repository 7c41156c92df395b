/**
 * Turns the pairs (2i, 2i+1) of every head of one position's queries or keys, in place.
 * @param vector [heads][headSize] f32, beginning at element `at`
 * @param turns [headSize/2][cos, sin] f32
 */
export function applyRope(vector: Float32Array, at: number, size: number, turns: Float32Array): void {
  const headSize = turns.length;
  for (let head = at; head < at + size; head += headSize) {
    for (let i = 0; i < headSize; i += 2) {
      const cos = turns[i]!;
      const sin = turns[i + 1]!;
      const a = vector[head + i]!;
      const b = vector[head + i + 1]!;
      vector[head + i] = a * cos - b * sin;
      vector[head + i + 1] = a * sin + b * cos;
    }
  }
}
