import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { productMatches } from '../product-row.js';
import type { SignFinder } from './sign.js';
import { confirmed, type WrongOutput, wrongOutputs } from './wrong-outputs.js';

/** What rounding to FP16 changes at most, as part of the value, and below its normal numbers. */
const HALF_ROUNDING = 2 ** -10;
const HALF_STEP = 2 ** -24;
/** A factor nearer to 1 is no factor but a few weights. */
const NO_FACTOR = 2 ** -8;

export const notFiniteSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  if (!confirmed(wrong, ({ got }) => !Number.isFinite(got))) return undefined;
  return { key: 'notFinite', text: wrong.some(({ got }) => Number.isNaN(got)) ? 'NaN' : 'infinite' };
};

export const zeroSign: SignFinder = evidence =>
  confirmed(wrongOutputs(evidence), ({ got }) => got === 0) ? { key: 'zero', text: 'all 0' } : undefined;

/** The right values, in FP16's precision. */
export const fp16OutputSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  const rounded = ({ row, n, got }: WrongOutput): boolean =>
    halfToFloat(floatToHalf(got)) === got && isNear(got, row.sums[n]!);
  if (wrong.length < 2 || !confirmed(wrong, rounded)) return undefined;
  return { key: 'fp16Output', text: 'right but rounded to FP16' };
};

/** Two halves where a float should be: [N/8][M][8] f16 in the place of [N/4][M][4] f32. */
export const fp16PackedSign: SignFinder = evidence => {
  const { placed } = evidence.matrix;
  const packed = ({ row, n, got }: WrongOutput): boolean | undefined => {
    const variant = placed.variants.find(({ rows }) => rows === row.jobRows);
    const task = variant?.tasks.find(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows);
    if (task === undefined) return undefined;
    const inTask = n - task.firstRow;
    const first = Math.floor(inTask / 4) * 8 + (inTask % 4) * 2;
    // The second half of the surfaces was never written.
    if (first + 1 >= task.rows) return undefined;
    const bits = floatBits(got);
    const low = halfToFloat(bits & 0xffff);
    const high = halfToFloat(bits >>> 16);
    const at = task.firstRow + first;
    return isNear(low, row.sums[at]!) && isNear(high, row.sums[at + 1]!);
  };
  const wrong = wrongOutputs(evidence).filter(output => packed(output) !== undefined);
  if (wrong.length < 2 || !confirmed(wrong, packed)) return undefined;
  return { key: 'fp16Packed', text: 'two FP16 numbers where one FP32 number should be' };
};

export const factorSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  const largest = wrong.reduce<WrongOutput | undefined>(
    (best, output) => (sumOf(output) > (best === undefined ? 0 : sumOf(best)) ? output : best),
    undefined,
  );
  if (largest === undefined || wrong.length < 3) return undefined;
  const factor = largest.got / largest.row.sums[largest.n]!;
  if (!Number.isFinite(factor) || factor === 0) return undefined;
  if (Math.abs(factor - 1) < NO_FACTOR) return undefined;
  const scaled = ({ row, n, got }: WrongOutput): boolean =>
    productMatches(got / factor, row.sums[n]!, row.magnitudes[n]!);
  if (!confirmed(wrong, scaled)) return undefined;
  const shown = Number(factor.toPrecision(4));
  return { key: 'factor', text: shown === -1 ? 'of the wrong sign' : `${shown} times too large` };
};

/** The same number added to every wrong output. */
export const offsetSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  if (wrong.length < 3) return undefined;
  const offsets = wrong.map(({ row, n, got }) => got - row.sums[n]!).sort((a, b) => a - b);
  const offset = offsets[Math.floor(offsets.length / 2)]!;
  const shifted = ({ row, n, got }: WrongOutput): boolean =>
    productMatches(got, row.sums[n]! + offset, row.magnitudes[n]! + Math.abs(offset));
  if (!Number.isFinite(offset) || !confirmed(wrong, shifted)) return undefined;
  const by = Number(Math.abs(offset).toPrecision(4));
  return { key: 'offset', text: `each ${by} too ${offset > 0 ? 'large' : 'small'}` };
};

/** One bit of every wrong float that is always set or never, and without it they are right. */
export const stuckBitSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  for (let bit = 31; bit >= 0; bit--) {
    for (const state of [1, 0] as const) {
      const stuck = ({ row, n, got }: WrongOutput): boolean | undefined => {
        // The bits of a NaN are not kept.
        if (Number.isNaN(got)) return undefined;
        const bits = floatBits(got);
        if (((bits >>> bit) & 1) !== state) return false;
        return productMatches(bitsFloat((bits ^ (1 << bit)) >>> 0), row.sums[n]!, row.magnitudes[n]!);
      };
      if (wrong.length >= 2 && confirmed(wrong, stuck)) {
        return { key: 'stuckBit', text: `bit ${bit} of the float ${state === 1 ? 'set' : 'cleared'}` };
      }
    }
  }
  return undefined;
};

const float = new Float32Array(1);
const bitsOf = new Uint32Array(float.buffer);

function floatBits(value: number): number {
  float[0] = value;
  return bitsOf[0]!;
}

function bitsFloat(bits: number): number {
  bitsOf[0] = bits;
  return float[0]!;
}

function sumOf({ row, n }: WrongOutput): number {
  return Math.abs(row.sums[n]!);
}

/** Whether a value is another one rounded to FP16. */
function isNear(got: number, wanted: number): boolean {
  return Math.abs(got - wanted) <= HALF_ROUNDING * Math.abs(wanted) + HALF_STEP;
}
