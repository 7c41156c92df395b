import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { STRIDES } from '../job-memory.js';
import { type ProductRow, productMatches } from '../product-row.js';
import type { ProductEvidence, SignFinder } from './sign.js';
import {
  confirmed,
  isOutputOf,
  partialProduct,
  SAMPLES,
  type WrongOutput,
  wrongOutputs,
} from './wrong-outputs.js';

/** The result memory as it was before the job. */
export const staleResultSign: SignFinder = evidence => {
  const stale = ({ row, n, got }: WrongOutput): boolean | undefined => {
    const before = row.before?.output[n];
    // NaN where nothing was seen before says nothing, unless it is what is there now.
    if (before === undefined || (Number.isNaN(before) && !Number.isNaN(got))) return undefined;
    return Object.is(got, before);
  };
  const wrong = wrongOutputs(evidence);
  if (!confirmed(wrong, stale) || wrong.every(({ got }) => got === 0 || Number.isNaN(got))) return undefined;
  return { key: 'staleResult', text: 'what stood there before the job' };
};

/** What came before, and the right result added to it. */
export const accumulatedSign: SignFinder = evidence => {
  const added = ({ row, n, got }: WrongOutput): boolean | undefined => {
    const before = row.before?.output[n];
    if (before === undefined || Number.isNaN(before) || before === 0) return undefined;
    return productMatches(got, row.sums[n]! + before, row.magnitudes[n]! + Math.abs(before));
  };
  if (!confirmed(wrongOutputs(evidence), added)) return undefined;
  return { key: 'accumulated', text: 'added to what stood there before' };
};

/** The right weights with the inputs of the job before, or of the last one of another matrix. */
export const staleInputSign: SignFinder = evidence => {
  const wrong = someNumbers(evidence);
  for (const kind of ['input', 'firstInput'] as const) {
    const inputs = new Map<ProductRow, Float32Array>();
    const stale = ({ row, n, got }: WrongOutput): boolean | undefined => {
      const input = row.before?.[kind];
      return input && isProductOf(evidence, inputs, row, n, got, input);
    };
    if (!confirmed(wrong, stale)) continue;
    return { key: 'staleInput', text: 'made with the inputs of the job before' };
  }
  return undefined;
};

/** The right weights with features read at another surface stride. */
export const featureStrideSign: SignFinder = evidence => {
  const wrong = someNumbers(evidence);
  for (const off of STRIDES) {
    const inputs = new Map<ProductRow, Float32Array>();
    const strided = ({ row, n, got }: WrongOutput): boolean | undefined => {
      const input = row.strided?.get(off);
      return input && isProductOf(evidence, inputs, row, n, got, input);
    };
    if (!confirmed(wrong, strided)) continue;
    const text = `as if the surfaces of the input lay ${rowsOff(off)}`;
    return { key: 'featureStride', text };
  }
  return undefined;
};

/** The right values, written at another surface stride: surface s, row m of the task at (M + off) s + m. */
export const resultStrideSign: SignFinder = evidence => {
  const { placed } = evidence.matrix;
  const wrong = wrongOutputs(evidence);
  const rowOf = new Map(evidence.rows.map(row => [`${row.job} ${row.jobRow}`, row]));
  for (const off of STRIDES) {
    const strided = ({ row, n, got }: WrongOutput): boolean | undefined => {
      const variant = placed.variants.find(({ rows }) => rows === row.jobRows);
      const task = variant?.tasks.find(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows);
      const stride = row.jobRows + off;
      if (task === undefined || stride < 1) return undefined;
      const atom = Math.floor((n - task.firstRow) / 4) * row.jobRows + row.jobRow;
      // Where surfaces overlap, it may be the one or the other.
      const last = Math.min(Math.floor(atom / stride), task.rows / 4 - 1);
      const candidates = [last, last - 1].map(surface => {
        const jobRow = atom - surface * stride;
        const from = rowOf.get(`${row.job} ${jobRow}`);
        return from && isOutputOf(got, from, task.firstRow + surface * 4 + ((n - task.firstRow) % 4));
      });
      const known = candidates.filter(is => is !== undefined);
      return known.length === 0 ? undefined : known.includes(true);
    };
    const spoken = wrong.filter(output => strided(output) !== undefined);
    if (spoken.length < 4 || !confirmed(spoken, strided)) continue;
    return { key: 'resultStride', text: `as if the surfaces of the result lay ${rowsOff(off)}` };
  }
  return undefined;
};

function rowsOff(off: number): string {
  const rows = Math.abs(off) === 1 ? '1 row' : `${Math.abs(off)} rows`;
  return `${rows} too ${off > 0 ? 'far apart' : 'close together'}`;
}

/** Some wrong outputs; not those that are NaN, which memory that nobody wrote makes of any input. */
function someNumbers(evidence: ProductEvidence): WrongOutput[] {
  return wrongOutputs(evidence, 4 * SAMPLES)
    .filter(({ got }) => !Number.isNaN(got))
    .slice(0, SAMPLES);
}

/** Whether an output is the product of other inputs; undefined where those are not known or no others. */
function isProductOf(
  { weights }: ProductEvidence,
  rounded: Map<ProductRow, Float32Array>,
  row: ProductRow,
  n: number,
  got: number,
  input: Float32Array,
): boolean | undefined {
  let halves = rounded.get(row);
  if (halves === undefined) {
    halves = input.map(value => halfToFloat(floatToHalf(value)));
    rounded.set(row, halves);
  }
  const { sum, magnitude } = partialProduct(weights, n, halves);
  return Number.isNaN(sum) ? undefined : productMatches(got, sum, magnitude);
}
