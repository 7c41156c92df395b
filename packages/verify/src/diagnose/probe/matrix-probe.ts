import type { NpuUnderTest } from '../../npu/npu-under-test.js';
import { JobMemory, STRIDES } from '../job-memory.js';
import { judgeOutputs, type MatrixUnderTest, type ProductRow } from '../product-row.js';
import { productTolerance } from '../tolerances.js';
import { type InputRow, packRows, type RowProducts } from './input-rows.js';

/** One job for a probe. */
export interface ProbeJob {
  readonly rows: readonly InputRow[];
  readonly products: RowProducts;
  readonly repeat?: number;
  /** Position whose input row `positionRow` is. */
  readonly position?: number;
  readonly positionRow?: number;
}

/** Multiplies single matrices on the device and holds what comes back against what should. */
export class MatrixProbe {
  readonly #memory = new JobMemory();
  #matrix: string | undefined;
  #jobs = 0;

  /** @param tolerance PRODUCT_TOLERANCE, or another in its place */
  constructor(
    readonly npu: Pick<NpuUnderTest, 'multiply'>,
    readonly tolerance: number,
  ) {}

  /**
   * Runs one job: as many rows as one of the matrix's variants has.
   * @throws what NpuUnderTest.multiply throws
   */
  async run({ layout, placed }: MatrixUnderTest, job: ProbeJob): Promise<ProductRow[]> {
    const { columns, paddedRows } = layout;
    const count = job.rows.length;
    const variant = placed.variants.find(({ rows }) => rows >= count);
    if (variant === undefined) throw new RangeError(`${layout.name}: no job for ${count} rows`);
    const tolerance = productTolerance(this.tolerance, columns);
    const input = packRows(job.rows, columns);
    const output = await this.npu.multiply(layout.name, input, count);
    const run = { rows: count, jobRows: variant.rows, input, output };
    if (this.#matrix !== layout.name) this.#memory.keepFeatures();
    this.#matrix = layout.name;
    const before = this.#memory.before(layout, run);
    this.#memory.note(layout, run);
    const number = this.#jobs++;
    let known: [number, Float32Array][] | undefined;
    // Only asked for where something is wrong.
    const strided = (): [number, Float32Array][] => {
      known ??= STRIDES.map(off => [off, this.#memory.strided(layout, run, off)]);
      return known;
    };
    return job.rows.map((_, row): ProductRow => {
      const inputs = [row * columns, (row + 1) * columns] as const;
      const outputs = [row * paddedRows, (row + 1) * paddedRows] as const;
      const sums = job.products.sums[row]!;
      const magnitudes = job.products.magnitudes[row]!;
      const got = output.subarray(...outputs);
      const judged = judgeOutputs(got, sums, magnitudes, tolerance);
      return {
        job: number,
        jobRows: variant.rows,
        jobRow: row,
        ...(job.repeat !== undefined && { repeat: job.repeat }),
        ...(job.position !== undefined && row === job.positionRow && { position: job.position }),
        input: input.subarray(...inputs),
        output: got,
        ...{ sums, magnitudes },
        before: {
          input: before.input.subarray(...inputs),
          output: before.output.subarray(...outputs),
          firstInput: before.firstInput!.subarray(...inputs),
        },
        ...(judged.wrong.length > 0 && {
          strided: new Map(strided().map(([off, all]) => [off, all.subarray(...inputs)])),
        }),
        ...judged,
      };
    });
  }
}
