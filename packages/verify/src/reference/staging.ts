import { KernelMemory, MAX_COLUMNS, type RowsProduct } from './kernel-memory.js';

/** Weights copied at a time: few enough to stay in a cache, and at least one row. */
const STAGE_FLOATS = MAX_COLUMNS;

interface Stage {
  readonly memory: KernelMemory;
  readonly weights: Float32Array;
}

let stage: Stage | undefined;

/**
 * Brings weights to where the kernels can reach them: at once where they lie in a KernelMemory, else in parts that are copied.
 * @param weights [rows][columns] f32
 * @param call with weights [rowCount][columns] of the product's rows
 */
export function withKernels(
  weights: Float32Array,
  product: RowsProduct,
  call: (memory: KernelMemory, weights: Float32Array, product: RowsProduct) => void,
): void {
  const { firstRow, rowCount, columns } = product;
  const some = weights.subarray(firstRow * columns, (firstRow + rowCount) * columns);
  const memory = KernelMemory.of(weights);
  if (memory !== undefined) {
    call(memory, some, product);
    return;
  }
  stage ??= createStage();
  const rowsAtOnce = Math.floor(STAGE_FLOATS / columns);
  for (let row = 0; row < rowCount; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rowCount - row);
    stage.weights.set(some.subarray(row * columns, (row + count) * columns));
    const part = stage.weights.subarray(0, count * columns);
    call(stage.memory, part, { ...product, firstRow: firstRow + row, rowCount: count });
  }
}

function createStage(): Stage {
  const memory = new KernelMemory(STAGE_FLOATS);
  return { memory, weights: memory.allocate(STAGE_FLOATS) };
}
