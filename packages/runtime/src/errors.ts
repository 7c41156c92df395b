import { type ErrorFacts, ExitStatus, ToolkitError } from '@npu-llama/format';

export interface DeviceErrorFacts extends ErrorFacts {
  /** A job that did not end in time. */
  readonly timedOut?: boolean;
}

/** The device, its driver or its memory: exit status 3. */
export class DeviceError extends ToolkitError {
  readonly exitStatus = ExitStatus.device;
  /** Whether a job did not end in time: after device.reset() it can be run again. */
  readonly timedOut: boolean;

  constructor(problem: string, facts: DeviceErrorFacts = {}) {
    super(problem, facts);
    this.timedOut = facts.timedOut === true;
  }
}

/** The model cannot run on any RK3588, whatever its driver: exit status 2. */
export class ModelLimitError extends ToolkitError {
  readonly exitStatus = ExitStatus.usageOrFile;

  constructor(problem: string, facts?: ErrorFacts) {
    super(problem, facts);
  }
}

/** The numbers are wrong: the NPU's, or an activation that FP16 cannot hold. Exit status 1. */
export class NumericError extends ToolkitError {
  readonly exitStatus = ExitStatus.npuWrong;

  constructor(problem: string, facts?: ErrorFacts) {
    super(problem, facts);
  }
}
