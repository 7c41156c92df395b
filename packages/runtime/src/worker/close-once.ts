/** A close() that happens once, however often it is called; only the first call is told of a failure. */
export class CloseOnce {
  #closing: Promise<void> | undefined;

  /** Whether it was called. */
  get called(): boolean {
    return this.#closing !== undefined;
  }

  /** Closes, or waits until that has been done. */
  run(close: () => Promise<void>): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.catch(() => {});
    this.#closing = close();
    return this.#closing;
  }
}
