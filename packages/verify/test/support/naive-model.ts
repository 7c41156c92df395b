import { headSize, kvDim } from '@npu-llama/format';
import type { PackedMatrix, ReferenceWeights } from '../../src/reference/index.js';

/** What is done to a number before it enters a matrix product. */
export interface Rounding {
  readonly weight: (value: number) => number;
  readonly input: (value: number) => number;
}

const EXACT: Rounding = { weight: value => value, input: value => value };

/**
 * The model straight from its formulas, in double precision, all positions again at every call: nothing is shared with
 * the reference under test, not even the idea of a cache. With FP16 rounding it stands in for an NPU.
 * @returns [tokens.length][vocabSize] logits
 */
export function naiveLogits(
  weights: ReferenceWeights,
  tokens: readonly number[],
  rounding = EXACT,
): number[][] {
  const { config } = weights;
  const size = headSize(config);
  const unpacked = new Map<PackedMatrix, Float32Array>();
  const product = (matrix: PackedMatrix, x: readonly number[]): number[] => {
    const rows = unpacked.get(matrix) ?? matrix.toRows();
    unpacked.set(matrix, rows);
    const inputs = x.map(rounding.input);
    return Array.from({ length: matrix.rows }, (_, row) =>
      inputs.reduce((sum, value, i) => sum + value * rounding.weight(rows[row * x.length + i]!), 0),
    );
  };
  let stream = tokens.map(token => Array.from(weights.tokenEmbedding.row(token), rounding.weight));
  for (const layer of weights.layers) {
    const normed = stream.map(x => norm(x, layer.rmsAtt));
    const queries = normed.map((x, p) => turn(product(layer.wq, x), p, size));
    const keys = normed.map((x, p) => turn(product(layer.wk, x), p, size));
    const values = normed.map(x => product(layer.wv, x));
    const group = config.dim / kvDim(config);
    stream = stream.map((x, p) => {
      const heads = Array.from({ length: config.headCount }, (_, head) => {
        const from = Math.floor(head / group) * size;
        const query = queries[p]!.slice(head * size, (head + 1) * size);
        const scores = keys
          .slice(0, p + 1)
          .map(key => dot(query, key.slice(from, from + size)) / Math.sqrt(size));
        const shares = exponentials(scores);
        return Array.from({ length: size }, (_, i) =>
          dot(
            shares,
            values.slice(0, p + 1).map(v => v[from + i]!),
          ),
        );
      });
      return plus(x, product(layer.wo, heads.flat()));
    });
    stream = stream.map(x => {
      const input = norm(x, layer.rmsFfn);
      const up = product(layer.w3, input);
      const hidden = product(layer.w1, input).map((z, i) => (z / (1 + Math.exp(-z))) * up[i]!);
      return plus(x, product(layer.w2, hidden));
    });
  }
  return stream.map(x => product(weights.classifier, norm(x, weights.rmsFinal)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function plus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + b[i]!);
}

function norm(x: readonly number[], weight: Float32Array): number[] {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + 1e-5);
  return x.map((value, i) => value * scale * weight[i]!);
}

/** RoPE as a product of complex numbers. */
function turn(vector: readonly number[], position: number, size: number): number[] {
  return vector.map((value, i) => {
    const even = i % 2 === 0;
    const angle = position * 10000 ** (-(2 * Math.floor((i % size) / 2)) / size);
    const other = even ? -vector[i + 1]! : vector[i - 1]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function exponentials(scores: readonly number[]): number[] {
  const max = Math.max(...scores);
  const powers = scores.map(score => Math.exp(score - max));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
}
