import { halfToNumber, numberToHalf } from './half.js';

/** C[M,N] = A[M,K] . B[N,K]^T in doubles, with the values that the tiles really hold. */
export interface Problem {
  readonly kind: 'fp32' | 'fp16' | 'int8';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Tiled, ready for DMA memory. */
  readonly features: Uint8Array;
  readonly weights: Uint8Array;
  readonly expected: Float64Array;
}

/** xorshift32: the same numbers in every run. */
export function randomSource(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const made = new Map<string, Problem>();

/** The same problem for the same arguments; made once a test file. */
export function makeProblem(kind: Problem['kind'], m: number, k: number, n: number, seed = 1): Problem {
  const key = [kind, m, k, n, seed].join(' ');
  const problem = made.get(key) ?? newProblem(kind, m, k, n, seed);
  made.set(key, problem);
  return problem;
}

function newProblem(kind: Problem['kind'], m: number, k: number, n: number, seed: number): Problem {
  const random = randomSource(seed * 7919 + m + 31 * k + 1009 * n);
  const integer = kind === 'int8';
  const value = () =>
    integer ? Math.floor(random() * 256) - 128 : halfToNumber(numberToHalf(random() * 2 - 1));
  const a = Float64Array.from({ length: m * k }, value);
  const b = Float64Array.from({ length: n * k }, value);
  const expected = new Float64Array(m * n);
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += a[row * k + i]! * b[column * k + i]!;
      expected[row * n + column] = sum;
    }
  return {
    kind,
    m,
    k,
    n,
    features: tileFeatures(kind, a, m, k),
    weights: tileWeights(kind, b, n, k),
    expected,
  };
}

function tileFeatures(kind: Problem['kind'], a: Float64Array, m: number, k: number): Uint8Array {
  const lane = kind === 'int8' ? 16 : 8;
  const place = (row: number, i: number) => Math.floor(i / lane) * m * lane + row * lane + (i % lane);
  return tile(kind, a, m, k, place);
}

function tileWeights(kind: Problem['kind'], b: Float64Array, n: number, k: number): Uint8Array {
  const group = kind === 'int8' ? 32 : 16;
  const place = (row: number, i: number) =>
    Math.floor(row / group) * group * k + Math.floor(i / 32) * group * 32 + (row % group) * 32 + (i % 32);
  return tile(kind, b, n, k, place);
}

function tile(
  kind: Problem['kind'],
  x: Float64Array,
  rows: number,
  k: number,
  place: (row: number, i: number) => number,
) {
  const out = kind === 'int8' ? new Int8Array(rows * k) : new Uint16Array(rows * k);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < k; i++) {
      const v = x[row * k + i]!;
      out[place(row, i)] = kind === 'int8' ? v : numberToHalf(v);
    }
  return new Uint8Array(out.buffer);
}

export const resultBytes = (p: { kind: Problem['kind']; m: number; n: number }) =>
  p.m * p.n * (p.kind === 'fp16' ? 2 : 4);

/** Row-major values of a tiled result. */
export function untile(p: { kind: Problem['kind']; m: number; n: number }, bytes: Uint8Array): Float64Array {
  const copy = bytes.slice(0, resultBytes(p)).buffer;
  const lane = p.kind === 'fp16' ? 8 : 4;
  const raw =
    p.kind === 'fp16'
      ? new Uint16Array(copy)
      : p.kind === 'fp32'
        ? new Float32Array(copy)
        : new Int32Array(copy);
  const out = new Float64Array(p.m * p.n);
  for (let row = 0; row < p.m; row++)
    for (let column = 0; column < p.n; column++) {
      const v = raw[Math.floor(column / lane) * p.m * lane + row * lane + (column % lane)]!;
      out[row * p.n + column] = p.kind === 'fp16' ? halfToNumber(v) : v;
    }
  return out;
}

/**
 * The largest error, in units of what is allowed: f32 sums of exact products in any order err by at most about
 * K * 2^-24 of the sum of magnitudes (below K here); f16 output adds half a step of the result. Integers: none.
 */
export function worstError(p: Problem, got: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const want = p.expected[i]!;
    const allowed =
      p.kind === 'int8'
        ? 0.5
        : p.k * p.k * 2 ** -24 + (p.kind === 'fp16' ? Math.abs(want) * 2 ** -11 : 0) + 1e-7;
    const error = Math.abs(got[i]! - want) / allowed;
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  return worst;
}
