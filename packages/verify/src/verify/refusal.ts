import { ExitStatus, ToolkitError } from '@npu-llama/format';
import type { Failure } from '../report/schema.js';

/**
 * A failure, where an error says that the device's numbers are wrong: an activation that FP16 cannot hold, NaN logits.
 * @throws the error itself where it says anything else
 */
export function refusalOf(error: unknown): Failure {
  if (!(error instanceof ToolkitError) || error.exitStatus !== ExitStatus.npuWrong) throw error;
  return { kind: 'refused', message: error.message };
}

/** Whether an error is the device's: what was compared before it still counts. */
export function isDeviceFailure(error: unknown): error is ToolkitError {
  return error instanceof ToolkitError && error.exitStatus === ExitStatus.device;
}
