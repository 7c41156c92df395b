import type { IoctlCall, Kernel } from '@npu-llama/runtime';
import { DelegatingKernel, MEM_SYNC, SUBMIT } from '@npu-llama/runtime/testing';
import type { Stopwatch } from './stopwatch.js';

const STAGES = new Map([
  [SUBMIT.request, 'submit'],
  [MEM_SYNC.request, 'sync'],
]);

/** Times submits and syncs, FFI included. */
export class TimedKernel extends DelegatingKernel {
  constructor(
    kernel: Kernel,
    private readonly stopwatch: Stopwatch,
  ) {
    super(kernel);
  }

  override ioctl(fd: number, call: IoctlCall): void {
    const stage = STAGES.get(call.definition.request) ?? 'other ioctls';
    this.stopwatch.time(stage, () => super.ioctl(fd, call));
  }
}
