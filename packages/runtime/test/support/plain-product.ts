import { floatToHalf, halfToFloat, type TiledMatrix } from '@npu-llama/format';
import { weightIndex } from '@npu-llama/format/tiles';

const half = (value: number): number => halfToFloat(floatToHalf(value));

/** FP32's rounding, for each of the sums that a product of K terms takes. */
const EPSILON = 2 ** -23;

/**
 * Holds [rows][paddedRows] f32 against the product in doubles, straight from a matrix's bytes.
 * @param bytes [paddedRows/16][paddedColumns/32][16][32] f16
 * @param input [rows][columns] f32
 * @returns the first output that is further off than sums in FP32 can be, in words
 */
export function wrongProduct(
  matrix: TiledMatrix,
  bytes: Uint8Array,
  input: Float32Array,
  output: Float32Array,
): string | undefined {
  const { columns, paddedColumns, paddedRows } = matrix;
  const weights = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows = input.length / columns;
  if (output.length !== rows * paddedRows) return `${output.length} outputs for ${rows} rows`;
  const inputs = Array.from(input, half);
  for (let n = 0; n < paddedRows; n++) {
    const row = Array.from({ length: columns }, (_, k) =>
      halfToFloat(weights.getUint16(2 * weightIndex(n, k, paddedColumns), true)),
    );
    for (let m = 0; m < rows; m++) {
      const terms = row.map((weight, k) => weight * inputs[m * columns + k]!);
      const wanted = terms.reduce((sum, term) => sum + term, 0);
      const bound = terms.reduce((sum, term) => sum + Math.abs(term), 0) * columns * EPSILON;
      const got = output[m * paddedRows + n]!;
      // Not `>`: a NaN is wrong.
      if (!(Math.abs(got - wanted) <= bound)) return `row ${m}, output ${n}: ${got} for ${wanted}`;
    }
  }
  return undefined;
}

/** The outputs of a matrix that belong to no part of it. */
export function paddingOutputs({ paddedRows, parts }: TiledMatrix): number[] {
  return Array.from({ length: paddedRows }, (_, n) => n).filter(
    n => !parts.some(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows),
  );
}
