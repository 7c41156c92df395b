import { createRequire } from 'node:module';
import { megabytes } from './units.js';

const require = createRequire(import.meta.url);

export interface ProgressBar {
  show(doneBytes: number, totalBytes: number): void;
  /** Takes it off the terminal. */
  stop(): void;
}

/** A bar on stderr, so that stdout stays clean; where stderr is no terminal there is none. */
export function progressBar(when: 'on a terminal' | 'never'): ProgressBar {
  if (when === 'never' || !process.stderr.isTTY) return { show() {}, stop() {} };
  // Loaded where it is wanted: that takes 10 ms.
  const cliProgress = require('cli-progress') as typeof import('cli-progress');
  const bar = new cliProgress.SingleBar({
    format: 'converting {bar} {percentage}% | {done} of {whole} | {eta_formatted} left',
    stream: process.stderr,
    // The terminal is left as it is: Ctrl-Z and kill -9 would leave it without a cursor, and cutting long lines.
    linewrap: true,
    clearOnComplete: true,
    // Whoever stops it reports; its own clean-up on signals would exit first.
    gracefulExit: false,
  });
  return {
    show(doneBytes, totalBytes) {
      const payload = { done: megabytes(doneBytes), whole: megabytes(totalBytes) };
      if (bar.isActive) bar.update(doneBytes, payload);
      else bar.start(totalBytes, doneBytes, payload);
    },
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}
