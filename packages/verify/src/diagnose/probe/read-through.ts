import { floatToHalf } from '@npu-llama/format';
import type { MatrixTally } from '../matrix-tally.js';
import type { MatrixUnderTest, ProductRow } from '../product-row.js';
import { tileElement } from '../tile-layout.js';
import { compareWeights, type WeightDifferences } from '../weights/compare-weights.js';
import { type InputRow, rowProducts } from './input-rows.js';
import type { MatrixProbe } from './matrix-probe.js';

/** Wrong rows that are kept for a finding. */
const MAX_WRONG_ROWS = 256;

export interface ReadThrough {
  /** Some of the rows that were wrong. */
  readonly wrong: readonly ProductRow[];
  /** What the device multiplied with, where it was not what it should have been. */
  readonly differences: WeightDifferences;
}

export interface ReadThroughOptions {
  readonly matrix: MatrixUnderTest;
  /** [paddedRows][columns] f32, and the same in tiles */
  readonly weights: Float32Array;
  readonly tiles: Uint16Array;
  readonly tally?: MatrixTally;
  readonly tolerance: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads a matrix's weights through the device: an input of 1 in one column and 0 elsewhere gives that column's weights,
 * exactly, because nothing is rounded. Every weight is looked at with every bit, one column a row of the largest jobs.
 */
export async function readThrough(probe: MatrixProbe, options: ReadThroughOptions): Promise<ReadThrough> {
  const { matrix, weights, tiles, tally, tolerance, signal } = options;
  const { layout, placed } = matrix;
  const { columns, paddedColumns } = layout;
  const most = placed.variants[placed.variants.length - 1]!.rows;
  const effective = tiles.slice();
  const wrong: ProductRow[] = [];
  for (let first = 0; first < columns; first += most) {
    signal?.throwIfAborted();
    const count = Math.min(most, columns - first);
    const rows = Array.from(
      { length: count },
      (_, i): InputRow => ({ kind: 'column', column: first + i, value: 1 }),
    );
    const results = await probe.run(matrix, { rows, products: rowProducts(weights, rows, columns) });
    tally?.addProducts(layout, results, tolerance);
    for (const [i, row] of results.entries()) {
      if (row.wrong.length > 0 && wrong.length < MAX_WRONG_ROWS) wrong.push(row);
      for (const n of row.wrong) {
        effective[tileElement(n, first + i, paddedColumns)] = floatToHalf(row.output[n]!);
      }
    }
  }
  return { wrong, differences: compareWeights(layout, tiles, effective) };
}
