import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop is looked at; a wait shorter than that does not show. */
const RESOLUTION_MS = 1;

/**
 * The longest time, in ms, that this thread's event loop took no turn while `work` ran: what a request that came at the worst
 * moment had to wait for.
 */
export async function longestWait(work: () => Promise<void>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  try {
    // Turns before, for it counts from one turn to the next (and would begin anew with reset()), and after, for the last.
    await turns();
    await work();
    await turns();
    return Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
  } finally {
    delays.disable();
  }
}

function turns(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 3 * RESOLUTION_MS));
}
