import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { UsageError } from '@npu-llama/format';
import { JobBoard } from './job-board.js';
import { computeUnit, type KernelJob, unitsOf } from './kernel-job.js';
import { type KernelMemory, MAX_THREADS } from './kernel-memory.js';
import type { WorkerTask } from './kernel-worker.js';
import { GROUP_ROWS } from './kernels.js';
import type { Pace } from './pace.js';

/** Multiplications that are worth waking threads for. */
const MIN_SHARED = 1 << 18;
/** Weights of a unit: enough to make claiming it free, few enough for units to end at about the same time. */
const MIN_UNIT = 1 << 14;
const MAX_UNIT = 1 << 17;
const UNITS_PER_THREAD = 4;
/** How long the main thread sleeps for the others, who are computing their last unit, before it lets events come in. */
const SETTLE_MS = 5;

/** As many threads as the machine runs at once. */
export function defaultThreadCount(): number {
  return Math.min(availableParallelism(), MAX_THREADS);
}

/**
 * The threads that compute the reference's products: this one, and workers that are started by the first product that is worth it. Which
 * thread computes a row changes no bit of it. Whoever makes it closes it.
 */
export class Threads implements AsyncDisposable {
  readonly #board = new JobBoard();
  readonly #memories = new Map<KernelMemory, number>();
  #workers: Worker[] = [];
  #error: unknown;
  #failure: Promise<unknown> | undefined;
  #lastRun: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param count with this one @throws UsageError for an impossible number */
  constructor(readonly count: number = defaultThreadCount()) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_THREADS) {
      throw new UsageError('impossible number of threads', {
        got: String(count),
        wanted: `1 to ${MAX_THREADS}`,
      });
    }
    this.#board.close();
  }

  /** How many groups of rows a thread best computes at a time. */
  unitGroups(groups: number, columns: number): number {
    const group = columns * GROUP_ROWS;
    const share = (groups * group) / (this.count * UNITS_PER_THREAD);
    return Math.max(1, Math.floor(Math.min(MAX_UNIT, Math.max(MIN_UNIT, share)) / group));
  }

  /** Runs what writes inputs, computes and reads outputs in a memory; one after the other. */
  async inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#lastRun.then(run);
    this.#lastRun = turn.catch(() => {});
    return await turn;
  }

  /**
   * Computes a job on all threads, or on this one where waking others is not worth it; in a turn of its caller's.
   * @throws what a thread threw; the pace's reason to stop, when no thread works on it any more; UsageError where others are needed
   *   and closed, before or meanwhile
   */
  async compute(memory: KernelMemory, job: KernelJob, pace: Pace): Promise<void> {
    this.#throwFailure();
    const units = unitsOf(job);
    const isShared =
      this.count > 1 && units > 1 && job.groups * job.columns * job.batch * GROUP_ROWS >= MIN_SHARED;
    if (isShared) {
      await this.#computeTogether(memory, job, units, pace);
      return;
    }
    // Not by way of the board: a worker that wakes late, for the job before, would claim units of a memory it does not know.
    for (let unit = 0; unit < units; unit++) {
      computeUnit(memory.kernels, job, unit, 0);
      if (pace.due) await pace.rest();
    }
  }

  async #computeTogether(memory: KernelMemory, job: KernelJob, units: number, pace: Pace): Promise<void> {
    const board = this.#board;
    const number = this.#share(memory);
    board.open(job, units, number);
    try {
      board.wake();
      for (let unit = board.claim(); unit !== undefined; unit = board.claim()) {
        computeUnit(memory.kernels, job, unit, 0);
        if (pace.due) await pace.rest();
      }
    } finally {
      board.close();
      // A worker that has ended never leaves.
      while (this.#error === undefined && !this.#closed && !board.settled(SETTLE_MS)) await nextTurn();
    }
    if (this.#closed) throw closedError();
    if (board.failed) await this.#failure;
    this.#throwFailure();
  }

  /** Once one has failed the others may be at work still: no memory of theirs is good for another product. */
  #throwFailure(): void {
    if (this.#error === undefined) return;
    throw new Error('a thread of the CPU reference failed', { cause: this.#error });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#workers.splice(0).map(worker => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Makes a memory known to the workers, and starts them where there are none yet.
   * @returns the memory's number
   */
  #share(memory: KernelMemory): number {
    if (this.#closed) throw closedError();
    if (this.#workers.length === 0) this.#start();
    const known = this.#memories.get(memory);
    if (known !== undefined) return known;
    const number = this.#memories.size;
    this.#memories.set(memory, number);
    for (const worker of this.#workers) worker.postMessage(memory.memory);
    return number;
  }

  #start(): void {
    const board = this.#board.shared;
    // One by one: where the system has no more threads, those that there are remain close()'s.
    for (let thread = 1; thread < this.count; thread++) {
      const workerData: WorkerTask = { board, thread };
      // Options of node that were meant for the main thread do not all go with a file: `--input-type`, say.
      const options = { workerData, execArgv: [] };
      this.#workers.push(new Worker(new URL('./kernel-worker.js', import.meta.url), options));
    }
    this.#failure = new Promise(resolve => {
      for (const worker of this.#workers) {
        worker.once('error', error => {
          this.#error ??= error;
          resolve(error);
        });
        worker.once('exit', status => {
          if (this.#closed) return;
          this.#error ??= new Error(`ended with status ${status}`);
          resolve(this.#error);
        });
      }
    });
  }
}

function closedError(): UsageError {
  return new UsageError('the threads of the CPU reference are closed');
}
