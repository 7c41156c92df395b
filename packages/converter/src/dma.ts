import { type ModelConfig, tiledBytes, tiledMatrices } from '@npu-llama/format';

/** Registers hold 32-bit addresses: all that the NPU reads lies below 4 GiB (RK3588 TRM, chapter 36). */
export const DMA_WINDOW_BYTES = 2 ** 32;

/** DMA memory that a model's tiled matrices take. */
export function weightsDmaBytes(config: ModelConfig, sharedClassifier: boolean): number {
  return tiledMatrices(config, sharedClassifier).reduce((sum, matrix) => sum + tiledBytes(matrix), 0);
}
