import { productFinding, type SignedFinding } from '../finding.js';
import type { MatrixTally } from '../matrix-tally.js';
import { type ModelWeights, matrixValues } from '../model-weights.js';
import { judgeOutputs, type MatrixUnderTest, type ProductRow } from '../product-row.js';
import type { RecordedRow } from '../recorder.js';
import { productTolerance } from '../tolerances.js';

export interface ProductsAudit {
  readonly matrix: MatrixUnderTest;
  readonly recorded: readonly RecordedRow[];
  readonly weights: ModelWeights;
  readonly tally: MatrixTally;
  /** PRODUCT_TOLERANCE, or another in its place. */
  readonly tolerance: number;
  readonly signal?: AbortSignal;
}

/** Holds one matrix's products against the exact ones of their own inputs. */
export async function auditProducts(audit: ProductsAudit): Promise<SignedFinding | undefined> {
  const { matrix, recorded, tally } = audit;
  const { columns, paddedRows } = matrix.layout;
  const tolerance = productTolerance(audit.tolerance, columns);
  if (recorded.length === 0) return undefined;
  const input = new Float32Array(recorded.length * columns);
  for (const [i, row] of recorded.entries()) input.set(row.input, i * columns);
  const { sums, magnitudes } = await audit.weights.product(
    matrix.layout.name,
    input,
    recorded.length,
    audit.signal,
  );
  const rows = recorded.map((row, i): ProductRow => {
    const range = [i * paddedRows, (i + 1) * paddedRows] as const;
    const wanted = { sums: sums.subarray(...range), magnitudes: magnitudes.subarray(...range) };
    return {
      ...row,
      ...wanted,
      ...judgeOutputs(row.output, wanted.sums, wanted.magnitudes, tolerance),
    };
  });
  tally.addProducts(matrix.layout, rows, tolerance);
  if (rows.every(({ wrong }) => wrong.length === 0)) return undefined;
  return productFinding({ matrix, rows, weights: matrixValues(audit.weights, matrix.layout) }, tolerance);
}
