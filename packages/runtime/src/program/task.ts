import { COLUMNS_PER_TILE, ROWS_PER_GROUP } from '@npu-llama/format/tiles';
import { DeviceError } from '../errors.js';
import {
  CBUF_BANKS,
  DMA_ALIGNMENT_BYTES,
  DMA_WINDOW_BYTES,
  featureBanks,
  MAX_COLUMNS,
  MAX_FEATURE_BANKS,
  MAX_OUTPUTS_PER_TASK,
  MAX_ROWS_PER_TASK,
} from '../hardware/index.js';

/** What one task of the NPU computes: C[M,N] = A[M,K] . B[N,K]^T in FP16, from DMA memory to DMA memory. */
export interface MatmulTask {
  /** M: 1, or a multiple of 4. */
  readonly rows: number;
  /** K: a multiple of 32. */
  readonly columns: number;
  /** N: a multiple of 16. */
  readonly outputs: number;
  /** [K/8][M][8] f16. */
  readonly featureAddress: number;
  /** [N/16][K/32][16][32] f16. */
  readonly weightAddress: number;
  /** [N/4][M][4] f32, or [N/8][M][8] f16. */
  readonly outputAddress: number;
  readonly outputFormat: 'fp32' | 'fp16';
}

/** @throws DeviceError naming the limit that a task breaks */
export function checkTask(task: MatmulTask): void {
  const shape = `task of M ${task.rows}, K ${task.columns}, N ${task.outputs}`;
  const require = (holds: boolean, what: string, got: string, wanted: string): void => {
    if (!holds) throw new DeviceError(`${shape}: ${what}`, { got, wanted });
  };
  const { rows, columns, outputs } = task;
  require(rows === 1 || (rows > 0 && rows % 4 === 0), 'impossible M', String(rows), '1 or a multiple of 4');
  require(rows <= MAX_ROWS_PER_TASK, 'too many rows', String(rows), `at most ${MAX_ROWS_PER_TASK}`);
  require(columns > 0 && columns % COLUMNS_PER_TILE === 0, 'impossible K', String(
    columns,
  ), 'a multiple of 32');
  require(columns <= MAX_COLUMNS, 'a kernel beyond 32 KiB', `K ${columns}`, `at most ${MAX_COLUMNS}`);
  require(outputs > 0 && outputs % ROWS_PER_GROUP === 0, 'impossible N', String(outputs), 'a multiple of 16');
  require(outputs <= MAX_OUTPUTS_PER_TASK, 'too many outputs', String(
    outputs,
  ), `at most ${MAX_OUTPUTS_PER_TASK}`);
  const banks = featureBanks(rows, columns);
  require(banks <=
    MAX_FEATURE_BANKS, 'features beyond the CBUF', `${banks} banks`, `at most ${MAX_FEATURE_BANKS} of ${CBUF_BANKS}`);
  const ranges = [
    ['features', task.featureAddress, rows * columns * 2],
    ['weights', task.weightAddress, outputs * columns * 2],
    ['output', task.outputAddress, rows * outputs * (task.outputFormat === 'fp32' ? 4 : 2)],
  ] as const;
  for (const [what, address, bytes] of ranges) {
    const hex = `0x${address.toString(16)}`;
    require(address % DMA_ALIGNMENT_BYTES ===
      0, `${what} not aligned`, hex, `a multiple of ${DMA_ALIGNMENT_BYTES}`);
    require(address >= 0 &&
      address + bytes <= DMA_WINDOW_BYTES, `${what} beyond 4 GiB`, `${bytes} bytes at ${hex}`, 'below 2^32');
  }
}
