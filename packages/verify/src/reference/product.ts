import type { Arithmetic } from './arithmetic.js';
import { KERNELS } from './kernel-job.js';
import { LAYOUT, MAX_COLUMNS } from './kernel-memory.js';
import type { Pace } from './pace.js';
import type { PackedMatrix } from './packed-matrix.js';
import { multiplyPlain } from './plain-product.js';
import { copyOutputs, partsOf } from './product-parts.js';
import type { Threads } from './threads.js';

/** A product of a matrix with a batch of inputs. */
export interface Product {
  readonly weights: PackedMatrix;
  /** [batch][columns] f32; for fp16 already rounded to halves */
  readonly input: Float32Array;
  readonly batch: number;
  /** [batch][rows] f32 */
  readonly output: Float32Array;
  readonly arithmetic: Arithmetic;
}

/**
 * output[b][row] = sum of weights[row] * input[b] over the columns, in their order: to the bit what multiplyPlain computes, by WebAssembly
 * kernels, whatever the number of threads.
 * @throws RangeError when an array has not the length that the shape says, the pace's reason to stop, what a thread threw
 */
export async function multiply(product: Product, threads: Threads, pace: Pace): Promise<void> {
  const { weights, input, batch, output, arithmetic } = product;
  requireShape(product);
  if (weights.columns > MAX_COLUMNS) {
    multiplyPlain({ ...product, weights: weights.toRows(), rows: weights.rows, columns: weights.columns });
    return;
  }
  await threads.inTurn(async () => {
    for (const part of partsOf(weights, input, batch, KERNELS[arithmetic])) {
      const { memory, job } = part;
      const unitGroups = threads.unitGroups(job.groups, job.columns);
      await threads.compute(memory, { ...job, unitGroups }, pace);
      const got = new Float32Array(memory.memory.buffer, LAYOUT.output, LAYOUT.outputBytes / 4);
      copyOutputs(part, got, output, weights.rows);
    }
  });
}

function requireShape({ weights: { rows, columns }, input, batch, output }: Product): void {
  const lengths = [
    ['inputs', input.length, batch * columns],
    ['outputs', output.length, batch * rows],
  ] as const;
  for (const [what, got, wanted] of lengths) {
    if (got !== wanted) {
      throw new RangeError(
        `[${rows}][${columns}] times a batch of ${batch}: ${got} ${what}, wanted ${wanted}`,
      );
    }
  }
}
