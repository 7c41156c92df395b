import type { MatrixJob } from './matrix-job.js';

/** A product C[M,N] = A[M,K] . B[N,K]^T that the NPU has just made for a session. */
export interface MatrixProduct {
  /** `layers.3.wqkv`, as in the .npu file. */
  readonly matrix: string;
  /** Position of the first row. */
  readonly firstPosition: number;
  /** Rows that count, and M of the job that computed them: its other rows were zero. */
  readonly rows: number;
  readonly jobRows: number;
  /** [rows][columns] f32, before it was rounded to FP16. A view: valid during the call, not to be written to. */
  readonly input: Float32Array;
  /** [rows][paddedRows] f32, every output in the order of the matrix's rows, padding included. Valid during the call. */
  readonly output: Float32Array;
}

/**
 * Told of a product when its job and sync are done, before anything is computed from it. What it throws ends the pass, as a
 * failed job would.
 */
export type ProductListener = (product: MatrixProduct) => void;

/** Shows the products of one session to a listener. */
export class ProductWatch {
  readonly #listener: ProductListener;
  /** [rows][paddedRows] f32 of the largest product so far. */
  #output = new Float32Array(0);

  constructor(listener: ProductListener) {
    this.#listener = listener;
  }

  /** @param activations what the job was run with, [rows][columns] f32 at its beginning */
  tell(job: MatrixJob, firstPosition: number, activations: Float32Array, rows: number): void {
    const { name, columns, paddedRows } = job.matrix;
    const length = rows * paddedRows;
    if (this.#output.length < length) this.#output = new Float32Array(length);
    const output = this.#output.subarray(0, length);
    const jobRows = job.readAll(output);
    const input = activations.subarray(0, rows * columns);
    this.#listener({ matrix: name, firstPosition, rows, jobRows, input, output });
  }
}
