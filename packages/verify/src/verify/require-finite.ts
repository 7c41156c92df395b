import { FileError } from '@npu-llama/format';
import { findDefect } from '../compare/index.js';
import type { ReferenceWeights } from '../reference/index.js';

/**
 * Sees to it that a reference can judge.
 * @param logits [vocabSize] f32 of a reference
 * @throws FileError where they are not finite: the checkpoint's fault
 */
export function requireFinite(logits: Float32Array, weights: ReferenceWeights, position: number): void {
  const defect = findDefect(logits, weights.config.vocabSize);
  if (defect?.kind !== 'notFinite') return;
  throw new FileError(weights.path, `the reference's own logits are not finite at position ${position}`, {
    got: `${defect.value} for token ${defect.token}`,
    next: 'the checkpoint is damaged, or was not trained in FP32',
  });
}
