import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { removeUnfinished } from '../temporary-file.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Ctrl-C reaches a child of npx, pnpm or npu-sim twice, from the terminal and passed on: so soon after the first it is the same one. */
const SAME_SIGNAL_MS = 300;

/** The exit status of a command that a signal ended. */
export function signalStatus(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/**
 * Watches for SIGINT, SIGTERM and SIGHUP until it is disposed of. A second signal ends the process at once, with the unfinished
 * files gone and a terminal's line ended; so does every other end of the process meanwhile leave no unfinished file.
 * @param onFirst told of the first, to end in good order
 */
export function watchSignals(onFirst: (signal: NodeJS.Signals) => void): Disposable {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = { signal, at: performance.now() };
      onFirst(signal);
    } else if (signal !== first.signal || performance.now() - first.at > SAME_SIGNAL_MS) {
      endAtOnce(signal);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', removeUnfinished);
  return {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('exit', removeUnfinished);
    },
  };
}

function endAtOnce(signal: NodeJS.Signals): void {
  removeUnfinished();
  if (process.stderr.isTTY) endLine();
  for (const each of SIGNALS) process.removeAllListeners(each);
  // By the signal itself, which waits for no thread; the first process of a container outlives that.
  process.kill(process.pid, signal);
  process.exit(signalStatus(signal));
}

/** What follows on a terminal stands on a line of its own. Progress bars change nothing else of it. */
export function endLine(): void {
  try {
    writeSync(process.stderr.fd, '\n');
  } catch {
    // The terminal has gone.
  }
}
