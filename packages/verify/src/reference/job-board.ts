import type { KernelJob } from './kernel-job.js';

const FIELDS = [
  'kernel',
  'weights',
  'groups',
  'columns',
  'batch',
  'unitGroups',
] as const satisfies (keyof KernelJob)[];

/** Slots of the shared array, i32 each. */
const WAKE = 0;
const NEXT = 1;
const UNITS = 2;
const ACTIVE = 3;
const FAILED = 4;
const ASLEEP = 5;
const MEMORY = 6;
const JOB = 7;
const SLOTS = JOB + FIELDS.length;

/** Far above any number of units: nothing to claim. */
const CLOSED = 1 << 30;
/** Looks at a slot before a thread goes to sleep: some ten microseconds, less than sleeping and waking take. */
const LOOKS = 5000;

/**
 * Where threads find the job that they compute together. One thread opens and closes jobs; every thread claims units of it. A job is
 * written while nobody is between `enter` and `leave` and nothing can be claimed, so whoever has claimed a unit reads a whole job.
 */
export class JobBoard {
  readonly #slots: Int32Array;

  /** @param shared another thread's board; by default a new one */
  constructor(readonly shared = new SharedArrayBuffer(SLOTS * 4)) {
    this.#slots = new Int32Array(shared);
  }

  /** Offers a job; only after `close` and `settled`. @param memory number of the memory that it works in */
  open(job: KernelJob, units: number, memory: number): void {
    FIELDS.forEach((field, i) => {
      this.#slots[JOB + i] = job[field];
    });
    this.#slots[MEMORY] = memory;
    this.#slots[UNITS] = units;
    Atomics.store(this.#slots, NEXT, 0);
  }

  /** Wakes threads; those that are looking need no call to the kernel. */
  wake(): void {
    Atomics.add(this.#slots, WAKE, 1);
    if (Atomics.load(this.#slots, ASLEEP) > 0) Atomics.notify(this.#slots, WAKE);
  }

  /** Lets nobody claim anything any more. */
  close(): void {
    Atomics.store(this.#slots, NEXT, CLOSED);
  }

  /** A unit that is nobody else's; undefined where none is left. */
  claim(): number | undefined {
    const unit = Atomics.add(this.#slots, NEXT, 1);
    return unit < this.#slots[UNITS]! ? unit : undefined;
  }

  /** The job, for who has claimed a unit. */
  get job(): KernelJob {
    return Object.fromEntries(
      FIELDS.map((field, i) => [field, this.#slots[JOB + i]]),
    ) as unknown as KernelJob;
  }

  get memory(): number {
    return this.#slots[MEMORY]!;
  }

  /** Before a worker's first claim. */
  enter(): void {
    Atomics.add(this.#slots, ACTIVE, 1);
  }

  /** After its last one. */
  leave(): void {
    if (Atomics.sub(this.#slots, ACTIVE, 1) === 1) Atomics.notify(this.#slots, ACTIVE);
  }

  /** A worker could not compute what it had claimed. */
  fail(): void {
    Atomics.store(this.#slots, FAILED, 1);
  }

  get failed(): boolean {
    return Atomics.load(this.#slots, FAILED) !== 0;
  }

  /** Waits until every worker has left. @returns whether they have */
  settled(timeoutMs: number): boolean {
    if (this.#seen(ACTIVE, value => value === 0)) return true;
    for (let active = this.#load(ACTIVE); active !== 0; active = this.#load(ACTIVE)) {
      if (Atomics.wait(this.#slots, ACTIVE, active, timeoutMs) === 'timed-out') return false;
    }
    return true;
  }

  /** How often threads were woken; to wait for the next time. */
  get wakes(): number {
    return this.#load(WAKE);
  }

  /** Until threads are woken again: looks for a moment, then sleeps. */
  sleep(wakes: number): void {
    if (this.#seen(WAKE, value => value !== wakes)) return;
    // Counted before the last look, which Atomics.wait takes: who wakes sees the count, or is seen.
    Atomics.add(this.#slots, ASLEEP, 1);
    Atomics.wait(this.#slots, WAKE, wakes);
    Atomics.sub(this.#slots, ASLEEP, 1);
  }

  #seen(slot: number, is: (value: number) => boolean): boolean {
    for (let looks = 0; looks < LOOKS; looks++) if (is(this.#load(slot))) return true;
    return false;
  }

  #load(slot: number): number {
    return Atomics.load(this.#slots, slot);
  }
}
