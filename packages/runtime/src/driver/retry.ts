import { constants } from 'node:os';

const { EINTR, EAGAIN } = constants.errno;

/**
 * How long a call is made again for. libdrm's drmIoctl() goes on for ever; here that would block the event loop, and with it
 * the handlers of signals: a job that hangs while a timer's signal interrupts it each second could not even be ended with
 * Ctrl-C. More than the 6 s that a job may take.
 */
export const GIVE_UP_MS = 10_000;
/** A driver that says EAGAIN is busy for longer than a call takes; one that was interrupted is asked again at once. */
const BUSY_PAUSE_MS = 1;

/** Where a Retry gets its time from. */
export interface RetryClock {
  now(): number;
  pause(milliseconds: number): void;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const systemClock: RetryClock = {
  now: () => performance.now(),
  pause: milliseconds => void Atomics.wait(sleeper, 0, 0, milliseconds),
};

/** One call's tries. */
export class Retry {
  tries = 1;
  #firstFailureAt: number | undefined;

  constructor(private readonly clock: RetryClock = systemClock) {}

  /** After EINTR: whether to make the call again. False once that has gone on for too long. */
  afterInterruption(errno: number): boolean {
    return errno === EINTR && this.#again();
  }

  /** As libdrm's drmIoctl(): after EINTR, and after EAGAIN, for which it waits a little. */
  afterIoctl(errno: number): boolean {
    if (errno === EINTR) return this.#again();
    if (errno !== EAGAIN || !this.#again()) return false;
    this.clock.pause(BUSY_PAUSE_MS);
    return true;
  }

  #again(): boolean {
    const now = this.clock.now();
    this.#firstFailureAt ??= now;
    if (now - this.#firstFailureAt >= GIVE_UP_MS) return false;
    this.tries++;
    return true;
  }
}
