import type { NpuDriver } from '../driver/driver.js';
import { Matmul, type MatmulOptions } from './matmul.js';

const MAX_RUNS = 200;

/**
 * @param measuredMs how long to go on
 * @returns milliseconds of the fastest and of the middle run; the first does not count
 */
export function timeRuns(
  run: () => void,
  measuredMs: number,
): { readonly best: number; readonly median: number } {
  run();
  const took: number[] = [];
  const start = performance.now();
  let before = start;
  while (took.length < MAX_RUNS && before - start < measuredMs) {
    run();
    const now = performance.now();
    took.push(now - before);
    before = now;
  }
  took.sort((a, b) => a - b);
  return { best: took[0]!, median: took[Math.floor(took.length / 2)]! };
}

/** What a matmul took at best. */
export interface MatmulTime {
  readonly rows: number;
  readonly ms: number;
  /** Weights read. */
  readonly gbPerSecond: number;
  readonly gflops: number;
}

/** K and N of the matmul that is timed: 32 MiB of weights, far beyond every cache, in one task. */
const TIMED_COLUMNS = 2048;
const TIMED_OUTPUTS = 8192;

/**
 * Times a matmul of 32 MiB of weights.
 * @returns its time, or the first output that is wrong, in words
 * @throws DeviceError when memory is refused or a job fails
 */
export function timeMatmul(
  driver: NpuDriver,
  options: Pick<MatmulOptions, 'rows' | 'cores' | 'timeoutMs'>,
  measuredMs: number,
): MatmulTime | string {
  using matmul = new Matmul(driver, { ...options, columns: TIMED_COLUMNS, outputs: TIMED_OUTPUTS });
  matmul.writeFeatures(1);
  matmul.clearResult();
  const { best: ms } = timeRuns(() => matmul.run(), measuredMs);
  matmul.syncResult();
  const wrong = matmul.firstWrong(1);
  if (wrong !== undefined) return wrong;
  const flop = 2 * options.rows * TIMED_COLUMNS * TIMED_OUTPUTS;
  return { rows: options.rows, ms, gbPerSecond: matmul.weightBytes / ms / 1e6, gflops: flop / ms / 1e6 };
}
