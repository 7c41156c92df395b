import type { TiledMatrix } from '@npu-llama/format';
import type { MatrixReport } from '../report/schema.js';
import { reportFigure } from './finding.js';
import { type ProductRow, productError } from './product-row.js';

const { max } = Math;

interface Counts {
  rows: number;
  outputs: number;
  wrong: number;
  worst: number;
  file?: number;
  memory?: number;
}

/** Sums up what was found out about each matrix of the checkpoint (wk, not wqkv), over audits, diagnoses and sweeps. */
export class MatrixTally {
  readonly #counts = new Map<string, Counts>();

  /** Counts products of a fused matrix. A wrong padding output counts as the part's before it. */
  addProducts({ parts, paddedRows }: TiledMatrix, rows: readonly ProductRow[], tolerance: number): void {
    parts.forEach((part, i) => {
      const counts = this.#of(part.source);
      const end = parts[i + 1]?.firstRow ?? paddedRows;
      counts.rows += rows.length;
      counts.outputs += rows.length * part.rows;
      for (const row of rows) {
        counts.wrong += row.wrong.filter(n => n >= part.firstRow && n < end).length;
        for (let n = part.firstRow; n < end; n++)
          counts.worst = max(counts.worst, errorOf(row, n, tolerance));
      }
    });
  }

  /** Notes how many weights of a part differ. @param where compared with what they should be in the file, in DMA memory */
  addWeights(part: string, where: 'file' | 'memory', wrong: number): void {
    const counts = this.#of(part);
    counts[where] = Math.max(counts[where] ?? 0, wrong);
  }

  /** In the order in which the matrices were first counted. @param run index into the report's runs */
  reports(run = 0): MatrixReport[] {
    return [...this.#counts].map(([name, { rows, outputs, wrong, worst, file, memory }]) => {
      const [, layer, kind] = name.split('.');
      const looked = file !== undefined || memory !== undefined;
      return {
        run,
        name: layer === undefined ? 'classifier' : name,
        ...(layer !== undefined && { layer: Number(layer) }),
        kind: kind ?? 'classifier',
        verdict: wrong > 0 || (file ?? 0) > 0 || (memory ?? 0) > 0 ? 'fail' : 'pass',
        rows,
        outputs,
        wrong,
        worst: reportFigure(worst),
        ...(looked && {
          wrongWeights: { ...(file !== undefined && { file }), ...(memory !== undefined && { memory }) },
        }),
      };
    });
  }

  #of(part: string): Counts {
    const known = this.#counts.get(part);
    if (known !== undefined) return known;
    const counts: Counts = { rows: 0, outputs: 0, wrong: 0, worst: 0 };
    this.#counts.set(part, counts);
    return counts;
  }
}

function errorOf({ output, sums, magnitudes }: ProductRow, n: number, tolerance: number): number {
  return productError(output[n]!, sums[n]!, magnitudes[n]!, tolerance);
}
