import type { DoctorContext } from './context.js';

/** What is wrong with a simulated device was planned: no reboot and no power supply mends it. */
export const CHANGE_PLAN = 'change NPU_SIM: it plans what the simulated device has and does wrong';

/** What to do about a fault of the hardware or its driver. */
export function advice({ simulated }: Pick<DoctorContext, 'simulated'>, onBoard: string): string {
  return simulated ? CHANGE_PLAN : onBoard;
}
