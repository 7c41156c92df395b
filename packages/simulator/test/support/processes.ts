import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './shared-child.js';

const PROGRAM = fileURLToPath(new URL('./shared-child.js', import.meta.url));

/** A process with a simulated device of its own plan, which does one thing after the other. */
export class DeviceProcess {
  readonly #child: ChildProcess;

  private constructor() {
    this.#child = fork(PROGRAM, { serialization: 'advanced' });
  }

  static async start(plan: string): Promise<DeviceProcess> {
    const started = new DeviceProcess();
    await started.ask({ plan });
    return started;
  }

  /** @throws when the process ends instead of answering. */
  async ask(request: Request): Promise<Answer> {
    const ended = new AbortController();
    const exit = once(this.#child, 'exit', { signal: ended.signal }).then(
      ([status, signal]: unknown[]) => {
        throw new Error(`the process ended with ${status ?? signal}`);
      },
      () => undefined as never,
    );
    this.#child.send(request);
    const [answer] = (await Promise.race([once(this.#child, 'message', { signal: ended.signal }), exit])) as [
      Answer,
    ];
    ended.abort();
    return answer;
  }

  /** SIGKILL: nothing of the process's own runs any more. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
