import type { ModelConfig, TiledMatrix } from '@npu-llama/format';
import type { ExactProduct } from '../reference/index.js';
import { untile } from './tile-layout.js';

/** What the weights should be, from a checkpoint or from the .npu file itself. One matrix at a time is in memory. */
export interface ModelWeights {
  /** checkpoint: the truth about the file too. model: the file's own, where there is no checkpoint. */
  readonly kind: 'checkpoint' | 'model';
  /** Where they come from, for messages. */
  readonly path: string;
  readonly config: ModelConfig;
  /** In the order of the data flow. */
  readonly matrices: readonly TiledMatrix[];
  /**
   * A fused matrix's weights as they should stand in the file and in DMA memory.
   * @returns [N/16][K/32][16][32] f16 as bits; not to be changed
   */
  tiles(matrix: string): Uint16Array;
  /**
   * What a fused matrix makes of inputs, exactly: [batch][paddedRows], padding rows zero.
   * @param input [batch][columns] f32, rounded to FP16 first
   * @throws the signal's reason
   */
  product(matrix: string, input: Float32Array, batch: number, signal?: AbortSignal): Promise<ExactProduct>;
  /** [dim] f32 */
  norm(kind: 'rms_att' | 'rms_ffn', layer: number): Float32Array;
  /** [dim] f32 */
  rmsFinal(): Float32Array;
  /** A token's embedding, [dim] f32, rounded to FP16 as the file holds it. */
  embedding(token: number): Float32Array;
}

/** A fused matrix: [paddedRows][columns] f32 with FP16's values, padding rows zero where they should be. */
export function matrixValues(weights: ModelWeights, layout: TiledMatrix): Float32Array {
  return untile(weights.tiles(layout.name), layout);
}
