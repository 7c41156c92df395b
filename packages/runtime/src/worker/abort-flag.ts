import type { AbortCheck } from '@npu-llama/format';

/** What a call in the worker ends with once it was aborted; who called knows the reason. */
export class AbortedByCaller extends Error {}

/** An abortion that another thread sees at once, also one that takes no messages while it computes. */
export class AbortFlag implements AbortCheck {
  readonly #flag: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#flag = new Int32Array(memory);
  }

  abort(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  /** @throws AbortedByCaller */
  throwIfAborted(): void {
    if (Atomics.load(this.#flag, 0) !== 0) throw new AbortedByCaller();
  }
}
