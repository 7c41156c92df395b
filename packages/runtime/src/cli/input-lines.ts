import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { UsageError } from '@npu-llama/format';

/** More than any model has positions for. */
export const MAX_LINE_BYTES = 1 << 20;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** The lines of an input, one asked for at a time, each of bounded length: readline alone gathers one without an end. */
export class InputLines implements Disposable {
  readonly #lines: ReturnType<typeof createInterface>;
  readonly #iterator: AsyncIterator<string>;
  #lineBytes = 0;

  /** @param signal ends the wait for a line */
  constructor(
    private readonly input: Readable,
    private readonly signal: AbortSignal,
  ) {
    this.#lines = createInterface({ input, terminal: false });
    this.#iterator = this.#lines[Symbol.asyncIterator]();
    input.on('data', this.#count);
    signal.addEventListener('abort', this.#close, { once: true });
  }

  /**
   * The next line; undefined at the input's end.
   * @throws UsageError for a line beyond MAX_LINE_BYTES; the signal's reason
   */
  async next(): Promise<string | undefined> {
    const line = await this.#iterator.next();
    this.signal.throwIfAborted();
    if (this.#lineBytes > MAX_LINE_BYTES) {
      throw new UsageError('a line of standard input is too long', {
        got: `more than ${MAX_LINE_BYTES} bytes`,
        wanted: `at most ${MAX_LINE_BYTES}`,
      });
    }
    return line.done === true ? undefined : line.value;
  }

  [Symbol.dispose](): void {
    this.signal.removeEventListener('abort', this.#close);
    this.input.off('data', this.#count);
    this.#close();
  }

  readonly #close = (): void => this.#lines.close();

  /** Counts the bytes of a line that has not ended. */
  readonly #count = (bytes: Buffer): void => {
    const end = Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN));
    this.#lineBytes = end === -1 ? this.#lineBytes + bytes.length : bytes.length - end - 1;
    if (this.#lineBytes > MAX_LINE_BYTES) this.#close();
  };
}
