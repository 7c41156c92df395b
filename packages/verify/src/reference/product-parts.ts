import { KERNELS, type KernelJob } from './kernel-job.js';
import { type KernelMemory, LAYOUT } from './kernel-memory.js';
import { GROUP_ROWS } from './kernels.js';
import type { PackedMatrix } from './packed-matrix.js';

/** As much of a product as the kernels compute at once. */
export interface ProductPart {
  readonly memory: KernelMemory;
  /** The job, but for how it is shared out. */
  readonly job: Omit<KernelJob, 'unitGroups'>;
  /** Of the matrix's rows and of the batch: what its outputs are. */
  readonly firstRow: number;
  readonly rowCount: number;
  readonly firstInput: number;
}

/**
 * Takes a product apart into what there is room for; the inputs stand where the kernels read them as soon as a part is handed out.
 * @param input [batch][columns] f32
 */
export function* partsOf(
  matrix: PackedMatrix,
  input: Float32Array,
  batch: number,
  kernel: KernelJob['kernel'],
): Generator<ProductPart> {
  const { columns } = matrix;
  const outputs = LAYOUT.outputBytes / (kernel === KERNELS.exact ? 16 : 4);
  const inputsAtOnce = Math.min(Math.floor(LAYOUT.inputFloats / columns), outputs / GROUP_ROWS);
  for (const { memory, weights, firstRow, rowCount } of matrix.bands) {
    for (let firstInput = 0; firstInput < batch; firstInput += inputsAtOnce) {
      const count = Math.min(inputsAtOnce, batch - firstInput);
      memory.input.set(input.subarray(firstInput * columns, (firstInput + count) * columns));
      const rowsAtOnce = Math.floor(outputs / count / GROUP_ROWS) * GROUP_ROWS;
      for (let row = 0; row < rowCount; row += rowsAtOnce) {
        const rows = Math.min(rowsAtOnce, rowCount - row);
        const at = weights.byteOffset + row * columns * 4;
        const groups = Math.ceil(rows / GROUP_ROWS);
        const job = { kernel, weights: at, groups, columns, batch: count };
        yield { memory, job, firstRow: firstRow + row, rowCount: rows, firstInput };
      }
    }
  }
}

/**
 * Copies a part's outputs to where they belong.
 * @param from what the kernels wrote, [part's batch][groups * 8]
 * @param to [batch][rows]
 */
export function copyOutputs<A extends Float32Array | Float64Array>(
  { job, firstRow, rowCount, firstInput }: ProductPart,
  from: A,
  to: A,
  rows: number,
): void {
  const stride = job.groups * GROUP_ROWS;
  for (let b = 0; b < job.batch; b++) {
    to.set(from.subarray(b * stride, b * stride + rowCount), (firstInput + b) * rows + firstRow);
  }
}
