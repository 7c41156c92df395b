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
const MEMORY = 5;
const JOB = 6;
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

  /** Wakes sleeping threads. */
  wake(): void {
    Atomics.add(this.#slots, WAKE, 1);
    Atomics.notify(this.#slots, WAKE);
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
    Atomics.sub(this.#slots, ACTIVE, 1);
    Atomics.notify(this.#slots, ACTIVE);
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
    return this.#waitWhile(ACTIVE, value => value !== 0, timeoutMs);
  }

  /** How often threads were woken; to wait for the next time. */
  get wakes(): number {
    return Atomics.load(this.#slots, WAKE);
  }

  /** Sleeps until threads are woken again. */
  sleep(wakes: number): void {
    this.#waitWhile(WAKE, value => value === wakes, Infinity);
  }

  #waitWhile(slot: number, is: (value: number) => boolean, timeoutMs: number): boolean {
    for (let looks = 0; looks < LOOKS; looks++) if (!is(Atomics.load(this.#slots, slot))) return true;
    for (let value = Atomics.load(this.#slots, slot); is(value); value = Atomics.load(this.#slots, slot)) {
      if (Atomics.wait(this.#slots, slot, value, timeoutMs) === 'timed-out') return false;
    }
    return true;
  }
}
