import type { Watcher } from '../engine/index.js';
import { Progress } from './progress.js';

/** Progress on a terminal, lines on stdout (unless they are left out for a document), warnings on stderr. */
export class Terminal implements Watcher, Disposable {
  readonly #progress = new Progress();

  constructor(private readonly lines: 'lines' | 'nothing') {}

  stage(name: string, total: number): void {
    this.#progress.stage(name, total);
  }

  update(done: number): void {
    this.#progress.update(done);
  }

  say(lines: readonly string[]): void {
    this.#progress.stop();
    if (this.lines === 'lines') print(lines);
  }

  warn(text: string): void {
    this.#progress.stop();
    process.stderr.write(`verify-npu: ${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#progress[Symbol.dispose]();
  }
}

export function print(lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''));
}
