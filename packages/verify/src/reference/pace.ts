import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long the event loop may be kept waiting, in ms; one stretch of work more may come on top. */
const LONGEST_HOLD_MS = 15;

/** Lets signals and progress bars have their turn while something long is computed. */
export class Pace {
  #since = performance.now();

  constructor(readonly signal?: AbortSignal) {}

  /** Whether it is time to rest, or to stop. */
  get due(): boolean {
    return this.signal?.aborted === true || performance.now() - this.#since >= LONGEST_HOLD_MS;
  }

  /** Gives the event loop a turn; throws the signal's reason when it has been aborted. */
  async rest(): Promise<void> {
    await nextTurn();
    this.signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
