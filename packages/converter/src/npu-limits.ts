import { FileError, type ModelConfig } from '@npu-llama/format';
import { paddedColumnCount } from '@npu-llama/format/tiles';

/** One kernel is at most 32768 bytes of FP16 (RK3588 TRM, chapter 36: a CBUF bank). */
const MAX_COLUMNS = 16384;

/**
 * Refuses a model that could be converted but never run.
 * @throws FileError when a matrix has more columns (K) than one kernel can hold
 */
export function checkNpuLimits({ dim, hiddenDim }: ModelConfig, path: string): void {
  for (const [name, columns] of [
    ['dim', dim],
    ['hidden_dim', hiddenDim],
  ] as const) {
    if (paddedColumnCount(columns) > MAX_COLUMNS) {
      throw new FileError(path, `${name} is too large for the NPU: one kernel holds 32768 bytes`, {
        got: String(columns),
        wanted: `at most ${MAX_COLUMNS}`,
      });
    }
  }
}
