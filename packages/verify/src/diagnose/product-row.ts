import type { TiledMatrix } from '@npu-llama/format';
import type { PlacedMatrix } from '../npu/npu-under-test.js';
import type { MemoryBefore } from './job-memory.js';

// Looked up once: in the inner loops a global costs more than the rest where globals are proxies, as under jest.
const { abs } = Math;
const { isFinite: finite, isNaN: isNotANumber, POSITIVE_INFINITY: ENDLESS } = Number;

/** A matrix of the file and where it stands on the device. */
export interface MatrixUnderTest {
  readonly layout: TiledMatrix;
  readonly placed: PlacedMatrix;
}

/** One vector that was multiplied, and what should have come of it. */
export interface ProductRow {
  /** Rows of one job share it. */
  readonly job: number;
  /** M of the job, and which of its rows this is. */
  readonly jobRows: number;
  readonly jobRow: number;
  /** Of a session's product. */
  readonly position?: number;
  /** Of a product that was made several times: which time, from 0. */
  readonly repeat?: number;
  /** [columns] f32 */
  readonly input: Float32Array;
  /** [paddedRows] f32 */
  readonly output: Float32Array;
  /** [paddedRows] exact, of the very input, and the sum of the terms' magnitudes */
  readonly sums: Float64Array;
  readonly magnitudes: Float64Array;
  /** What stood in the job's memory before. */
  readonly before?: MemoryBefore;
  /** [columns] f32: its features read with surfaces that many rows further apart than they should be. */
  readonly strided?: ReadonlyMap<number, Float32Array>;
  /** Outputs beyond the tolerance, ascending. */
  readonly wrong: readonly number[];
  /** Largest error as a part of its tolerance; infinite where an output is not finite. */
  readonly worst: number;
}

/** As near as a wrong value has to be to another exact one to be taken for it, as part of the magnitude: not by chance. */
export const RECOGNISED = 2 ** -16;

/**
 * Whether a value is an exact one, to recognise what stands in the wrong place.
 * @param tolerance as part of the magnitude
 */
export function productMatches(got: number, sum: number, magnitude: number, tolerance = RECOGNISED): boolean {
  return productError(got, sum, magnitude, tolerance) <= 1;
}

/** Error as a part of the tolerance: up to 1 is right. Where the exact result is not finite anything of its kind is right. */
export function productError(got: number, sum: number, magnitude: number, tolerance: number): number {
  if (!finite(sum)) return finite(got) ? ENDLESS : 0;
  const error = abs(got - sum);
  if (error === 0) return 0;
  if (isNotANumber(error)) return ENDLESS;
  return error / (tolerance * magnitude);
}

/** Holds outputs against what they should be. */
export function judgeOutputs(
  output: Float32Array,
  sums: Float64Array,
  magnitudes: Float64Array,
  tolerance: number,
): Pick<ProductRow, 'wrong' | 'worst'> {
  const wrong: number[] = [];
  let worst = 0;
  for (let n = 0; n < output.length; n++) {
    const error = productError(output[n]!, sums[n]!, magnitudes[n]!, tolerance);
    if (error > worst) worst = error;
    if (error > 1) wrong.push(n);
  }
  return { wrong, worst };
}
