/**
 * A close() that happens once, however often it is called and by how many at a time: whoever calls it again waits until the first
 * is through. Only the first call is told of a failure.
 */
export class CloseOnce {
  #closing: Promise<void> | undefined;

  /** Whether it was called; it need not be through. */
  get called(): boolean {
    return this.#closing !== undefined;
  }

  /** Closes, or waits until that has been done. @throws what `close` throws, the first time */
  run(close: () => Promise<void>): Promise<void> {
    if (this.#closing !== undefined) return this.settled();
    this.#closing = close();
    return this.#closing;
  }

  /** Waits until a close that was called is through, however it ends. */
  async settled(): Promise<void> {
    await this.#closing?.catch(() => {});
  }
}
