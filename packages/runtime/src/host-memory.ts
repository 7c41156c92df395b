import { formatBytesExactly } from '@npu-llama/format';
import { ModelLimitError } from './errors.js';

/**
 * Zeroed f32 in ordinary memory, whose size comes from a model file.
 * @throws ModelLimitError when this machine cannot give that much
 */
export function allocateFloats(elements: number, what: string): Float32Array {
  try {
    return new Float32Array(elements);
  } catch (cause) {
    throw new ModelLimitError(`not enough memory for ${what}`, {
      got: `${formatBytesExactly(elements * 4)} needed`,
      next: 'is seq_len in the file right?',
      cause,
    });
  }
}
