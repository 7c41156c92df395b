import { computeUnit, KERNELS } from './kernel-job.js';
import { type KernelMemory, LAYOUT, MAX_COLUMNS } from './kernel-memory.js';
import { GROUP_ROWS } from './kernels.js';
import type { Pace } from './pace.js';
import { PackedMatrix } from './packed-matrix.js';
import { copyOutputs, type ProductPart, partsOf } from './product-parts.js';
import { roundWeightToHalf } from './round-half.js';
import { roundInputs } from './round-inputs.js';
import type { Threads } from './threads.js';
import { allocateMatrices } from './weight-memory.js';

/** What an NPU's product is held against. */
export interface ExactProduct {
  /** [batch][rows] f64 */
  readonly sums: Float64Array;
  /** [batch][rows] f64: of the absolute values of what was summed */
  readonly magnitudes: Float64Array;
}

/**
 * The product of FP16-rounded weights and FP16-rounded inputs, each summed in double: exact products, columns ascending.
 * The magnitudes bound what another order of summing, or float32 sums, may make of it: |got - sum| <= c * magnitude.
 * @param weights [rows][columns] f32, clamped to +-65504
 * @param input [batch][columns] f32; from 65520 on infinite
 */
export function exactProduct(weights: Float32Array, input: Float32Array, batch: number): ExactProduct {
  const columns = input.length / batch;
  const rows = weights.length / columns;
  if (!Number.isInteger(columns) || !Number.isInteger(rows)) {
    throw new RangeError(`${weights.length} weights for a batch of ${batch} with ${input.length} inputs`);
  }
  const x = roundInputs(input).halves;
  // Rows are packed where they are staged, 8 at least.
  if (columns * GROUP_ROWS > MAX_COLUMNS) return exactProductPlain(weights, x, batch);
  const out = emptyProduct(batch * rows);
  const rowsAtOnce = Math.floor(MAX_COLUMNS / columns / GROUP_ROWS) * GROUP_ROWS;
  for (let firstRow = 0; firstRow < rows; firstRow += rowsAtOnce) {
    const some = weights.subarray(firstRow * columns, (firstRow + rowsAtOnce) * columns);
    const matrix = staged(some, columns);
    for (const part of partsOf(matrix, x, batch, KERNELS.exact)) {
      const { memory, job } = part;
      computeUnit(memory.kernels, { ...job, unitGroups: job.groups }, 0, 0);
      copyExactOutputs({ ...part, firstRow: firstRow + part.firstRow }, out, rows);
    }
  }
  return out;
}

/**
 * exactProduct of a matrix of the reference, on all threads.
 * @param input [batch][columns] f32
 * @throws the pace's reason to stop, what a thread threw
 */
export async function exactMatrixProduct(
  matrix: PackedMatrix,
  input: Float32Array,
  batch: number,
  threads: Threads,
  pace: Pace,
): Promise<ExactProduct> {
  const x = roundInputs(input).halves;
  if (matrix.columns > MAX_COLUMNS) return exactProductPlain(matrix.toRows(), x, batch);
  const out = emptyProduct(batch * matrix.rows);
  await threads.inTurn(async () => {
    for (const part of partsOf(matrix, x, batch, KERNELS.exact)) {
      const { memory, job } = part;
      const unitGroups = threads.unitGroups(job.groups, job.columns);
      await threads.compute(memory, { ...job, unitGroups }, pace);
      copyExactOutputs(part, out, matrix.rows);
    }
  });
  return out;
}

function emptyProduct(outputs: number): ExactProduct {
  return { sums: new Float64Array(outputs), magnitudes: new Float64Array(outputs) };
}

function copyExactOutputs(part: ProductPart, { sums, magnitudes }: ExactProduct, rows: number): void {
  const { buffer } = part.memory.memory;
  const count = LAYOUT.outputBytes / 16;
  copyOutputs(part, new Float64Array(buffer, LAYOUT.output, count), sums, rows);
  copyOutputs(part, new Float64Array(buffer, LAYOUT.output + count * 8, count), magnitudes, rows);
}

let stage: { readonly memory: KernelMemory; readonly weights: Float32Array } | undefined;

/** A matrix made of rows for the moment, as many as fit. @param rows [rows][columns] f32 */
function staged(rows: Float32Array, columns: number): PackedMatrix {
  stage ??= allocateMatrices([{ rows: GROUP_ROWS, columns: MAX_COLUMNS / GROUP_ROWS }])[0]!.bands[0]!;
  const { memory, weights } = stage;
  const rowCount = rows.length / columns;
  const matrix = new PackedMatrix(rowCount, columns, [{ firstRow: 0, rowCount, memory, weights }]);
  matrix.setRows(0, rows);
  return matrix;
}

/**
 * What exactProduct computes, in plain TypeScript.
 * @param halves [batch][columns] the inputs, rounded
 */
export function exactProductPlain(weights: Float32Array, halves: Float32Array, batch: number): ExactProduct {
  const columns = halves.length / batch;
  const rows = weights.length / columns;
  const { sums, magnitudes } = emptyProduct(batch * rows);
  const rounded = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) rounded[c] = roundWeightToHalf(weights[row * columns + c]!);
    for (let b = 0; b < batch; b++) {
      let sum = 0;
      let magnitude = 0;
      for (let c = 0; c < columns; c++) {
        const product = rounded[c]! * halves[b * columns + c]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      sums[b * rows + row] = sum;
      magnitudes[b * rows + row] = magnitude;
    }
  }
  return { sums, magnitudes };
}
