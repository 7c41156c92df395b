interface Running {
  readonly stage: string;
  readonly start: number;
  /** Spent in stages within this one. */
  inner: number;
}

/** Sums up time by stage. A stage within another does not count for the outer one, so the sum counts nothing twice. */
export class Stopwatch {
  readonly #totals = new Map<string, number>();
  readonly #running: Running[] = [];

  /** Runs a call as (part of) a stage. */
  time<T>(stage: string, call: () => T): T {
    const running: Running = { stage, start: performance.now(), inner: 0 };
    this.#running.push(running);
    try {
      return call();
    } finally {
      const took = performance.now() - running.start;
      this.#running.pop();
      this.#totals.set(stage, (this.#totals.get(stage) ?? 0) + took - running.inner);
      const outer = this.#running.at(-1);
      if (outer !== undefined) outer.inner += took;
    }
  }

  /** Milliseconds by stage since the last reset. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  reset(): void {
    this.#totals.clear();
  }
}
