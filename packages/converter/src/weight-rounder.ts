import {
  type OverflowPolicy,
  paddedColumnCount,
  paddedRowCount,
  type RoundingReport,
  roundWeights,
  tileWeights,
} from '@npu-llama/format/tiles';
import type { WorkingMemory } from './working-memory.js';

/** Rounds pieces of weights with the kernels: the same bits as tileWeights and roundWeights, which define them. */
export class WeightRounder {
  readonly #memory: WorkingMemory;

  constructor(memory: WorkingMemory) {
    this.#memory = memory;
  }

  /**
   * @param form the NPU's tiles, padded; or row-major halves
   * @param weights [rows][columns] f32 in the working memory, a piece at most
   * @param report added to
   * @returns f16, to be used before the next call
   * @throws UnrepresentableWeightError as tileWeights does
   */
  round(
    form: 'tiles' | 'halves',
    weights: Float32Array,
    rows: number,
    columns: number,
    overflow: OverflowPolicy,
    report: RoundingReport,
  ): Uint16Array {
    const { kernels, scratch } = this.#memory;
    const [kernel, plain, elements] =
      form === 'tiles'
        ? [kernels.tileWeights, tileWeights, paddedRowCount(rows) * paddedColumnCount(columns)]
        : [kernels.roundWeights, roundWeights, rows * columns];
    const halves = this.#memory.halves.subarray(0, elements);
    if (weights.buffer !== this.#memory.buffer || halves.length !== elements) {
      throw new Error(`bug: ${rows} x ${columns} weights are no piece of the working memory`);
    }
    const largestError = kernel(weights.byteOffset, rows, columns, halves.byteOffset, scratch);
    if (largestError >= 0) report.largestError = Math.max(report.largestError, largestError);
    // There is a weight to name, or to clamp.
    else plain(weights, rows, columns, halves, overflow, report);
    return halves;
  }
}
