import type { InputRow } from './input-rows.js';

/** Dense rows of a job at most: every further one costs the CPU as many products as the matrix has weights. */
const DENSE_ROWS = 16;

/** A small generator of numbers in [0, 1) (mulberry32): seeded, so that a failure can be seen again. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Input rows of a job of M rows, no two alike. Dense ones are about normal with a few values 64 times as large and a few
 * 2^-10 times, as activations are; beyond 16 rows those in between take one column each.
 */
export function randomRows(count: number, columns: number, seed: number): InputRow[] {
  const random = randomNumbers(seed);
  const every = Math.ceil(count / DENSE_ROWS);
  return Array.from({ length: count }, (_, i): InputRow => {
    if (i % every === 0) return { kind: 'dense', values: activations(columns, random) };
    const column = Math.floor(random() * columns);
    return { kind: 'column', column, value: 1 + Math.floor(random() * 1024) / 1024 };
  });
}

/**
 * Input rows of a job that are known in part: the activations themselves in one row, and the others made of them, so that no
 * two are alike.
 * @param at the row that takes the activations as they are
 */
export function rowsAround(activation: Float32Array, count: number, at: number): InputRow[] {
  const every = Math.ceil(count / DENSE_ROWS);
  return Array.from({ length: count }, (_, i): InputRow => {
    const turn = (i - at + count) % count;
    if (turn === 0) return { kind: 'dense', values: activation };
    if (turn % every === 0) return { kind: 'dense', values: turned(activation, turn) };
    const column = (turn * 7) % activation.length;
    return { kind: 'column', column, value: 1 + turn / 256 };
  });
}

/** The same values at other columns, none larger than before. */
function turned(values: Float32Array, by: number): Float32Array {
  return values.map((_, i) => values[(i + 7 * by) % values.length]! * (1 - by / 512));
}

function activations(columns: number, random: () => number): Float32Array {
  return Float32Array.from({ length: columns }, () => {
    // The sum of three uniform numbers is near enough to a normal one.
    const value = (random() + random() + random() - 1.5) * 2;
    const kind = random();
    if (kind < 0.01) return value * 64;
    return kind < 0.05 ? value * 2 ** -10 : value;
  });
}
