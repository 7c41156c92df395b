import type { Arithmetic } from './arithmetic.js';
import { ReferenceOverflowError } from './overflow-error.js';
import type { Pace } from './pace.js';
import type { PackedMatrix } from './packed-matrix.js';
import { multiply } from './product.js';
import { roundInputs } from './round-inputs.js';
import type { Threads } from './threads.js';

/**
 * Told of every matrix product, position by position, in the order of the data flow.
 * @param matrix `layers.3.wq`, `classifier`: unfused
 * @param input [columns] f32, before any rounding to FP16; valid during the call
 * @param output [rows] f32; valid during the call
 */
export type OnMatrix = (matrix: string, position: number, input: Float32Array, output: Float32Array) => void;

/** One matrix of the model. */
export interface NamedMatrix {
  readonly name: string;
  readonly weights: PackedMatrix;
  /** [batch][rows] f32, written */
  readonly output: Float32Array;
}

/** The matrix products of a session, in its arithmetic. */
export class Matrices {
  constructor(
    readonly arithmetic: Arithmetic,
    readonly threads: Threads,
    readonly onMatrix: OnMatrix | undefined,
  ) {}

  /**
   * Multiplies several matrices with the same inputs.
   * @param input [batch][columns] f32
   * @throws ReferenceOverflowError when an input is beyond FP16, in fp16
   */
  async multiply(
    matrices: readonly NamedMatrix[],
    input: Float32Array,
    firstPosition: number,
    batch: number,
    pace: Pace,
  ): Promise<void> {
    const columns = input.length / batch;
    const rounded =
      this.arithmetic === 'fp16' ? this.#round(matrices[0]!.name, input, firstPosition, columns) : input;
    for (const { name, weights, output } of matrices) {
      await multiply(
        { weights, input: rounded, batch, output, arithmetic: this.arithmetic },
        this.threads,
        pace,
      );
      const { rows } = weights;
      for (let b = 0; this.onMatrix !== undefined && b < batch; b++) {
        const x = input.subarray(b * columns, (b + 1) * columns);
        this.onMatrix(name, firstPosition + b, x, output.subarray(b * rows, (b + 1) * rows));
      }
    }
  }

  #round(name: string, input: Float32Array, firstPosition: number, columns: number): Float32Array {
    const { halves, infinite } = roundInputs(input);
    if (!infinite) return halves;
    const beyond = halves.findIndex(value => Math.abs(value) === Infinity);
    throw new ReferenceOverflowError(`${name}: an input is beyond FP16`, {
      got: `${input[beyond]} for column ${beyond % columns} at position ${firstPosition + Math.floor(beyond / columns)}`,
      wanted: 'less than 65520',
      next: 'the NPU cannot run this model on this text',
    });
  }
}
