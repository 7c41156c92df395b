import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './outcome.js';
import type { Answer, Trial } from './trial.js';

const script = fileURLToPath(new URL('./trial-process.js', import.meta.url));

/** Has trials run in a process of their own, one after the other. */
export class Trials {
  readonly #process: ChildProcess = fork(script, { execArgv: [] });

  /** @throws Error where verify-npu itself breaks, or ends the process */
  async run(trial: Trial): Promise<Outcome> {
    const ended = new AbortController();
    const { signal } = ended;
    try {
      const answered = once(this.#process, 'message', { signal });
      const broke = once(this.#process, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`the process that runs trials ended with ${code ?? by}`);
      });
      this.#process.send(trial);
      const [answer] = (await Promise.race([answered, broke])) as [Answer];
      if ('broken' in answer) throw new Error(answer.broken);
      return answer.outcome;
    } finally {
      ended.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }
}
