import { type ProductRow, productMatches } from '../product-row.js';
import type { ProductEvidence } from './sign.js';

/** Part of the wrong outputs that a hypothesis has to explain: a few may be wrong for another reason or by chance right. */
const CONFIRMED = 0.95;
/** Part of the wrong outputs that it has to say anything about. */
const COVERED = 0.5;
/** Wrong outputs that a hypothesis looks at: a classifier that is all wrong has millions. */
const MAX_OUTPUTS = 1 << 13;
/** Wrong outputs that hypotheses that multiply look at. */
export const SAMPLES = 128;

/** One wrong output. */
export interface WrongOutput {
  readonly row: ProductRow;
  readonly n: number;
  readonly got: number;
}

/** Every wrong output, or at most `limit` of them evenly spread. */
export function wrongOutputs({ rows }: Pick<ProductEvidence, 'rows'>, limit = MAX_OUTPUTS): WrongOutput[] {
  const total = rows.reduce((sum, { wrong }) => sum + wrong.length, 0);
  // Odd, or it would see some of the lanes of a group only.
  const step = Math.ceil(total / limit) | 1;
  const outputs: WrongOutput[] = [];
  let index = 0;
  for (const row of rows) {
    for (const n of row.wrong) if (index++ % step === 0) outputs.push({ row, n, got: row.output[n]! });
  }
  return outputs;
}

/**
 * Whether something is true of the wrong outputs: of nearly all that it says anything about, and of that many.
 * @param test undefined where it says nothing
 */
export function confirmed(
  outputs: readonly WrongOutput[],
  test: (output: WrongOutput) => boolean | undefined,
): boolean {
  let tested = 0;
  let passed = 0;
  for (const output of outputs) {
    const result = test(output);
    if (result === undefined) continue;
    tested++;
    if (result) passed++;
  }
  return tested > 0 && tested >= COVERED * outputs.length && passed >= CONFIRMED * tested;
}

/** Whether `got` is what output n of a row should have been; undefined where there is no such output. */
export function isOutputOf(got: number, row: ProductRow | undefined, n: number): boolean | undefined {
  if (row === undefined || n < 0 || n >= row.sums.length) return undefined;
  return productMatches(got, row.sums[n]!, row.magnitudes[n]!);
}

/**
 * Exact product of one row of weights with other inputs, and the sum of magnitudes.
 * @param input [columns] f32 with FP16's values
 * @param from, to columns
 */
export function partialProduct(
  weights: Float32Array,
  n: number,
  input: Float32Array,
  from = 0,
  to = input.length,
): { sum: number; magnitude: number } {
  const start = n * input.length;
  let sum = 0;
  let magnitude = 0;
  for (let i = from; i < to; i++) {
    const term = weights[start + i]! * input[i]!;
    sum += term;
    magnitude += Math.abs(term);
  }
  return { sum, magnitude };
}
