import { type ErrorFacts, ExitStatus, ToolkitError } from '@npu-llama/format';

/** The model computes a number that FP16 cannot hold, so no NPU can run it: exit status 1. */
export class ReferenceOverflowError extends ToolkitError {
  readonly exitStatus = ExitStatus.npuWrong;

  constructor(problem: string, facts?: ErrorFacts) {
    super(problem, facts);
  }
}
