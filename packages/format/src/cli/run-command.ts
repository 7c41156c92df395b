import { constants } from 'node:os';
import { ExitStatus, ToolkitError } from '../errors.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the body of a command. An error of ours becomes one line on stderr and its exit status; any other is a bug of ours
 * and keeps its stack. SIGINT and SIGTERM abort the body's signal; once it has cleaned up, the status is 128 + the signal's
 * number. A second signal ends the process at once.
 * @returns the exit status
 */
export async function runCommand(
  name: string,
  body: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  ignoreClosedPipe();
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const abort = (signal: NodeJS.Signals): void => {
    received = signal;
    controller.abort(new Error(`received ${signal}`));
  };
  for (const signal of SIGNALS) process.once(signal, abort);
  try {
    return await body(controller.signal);
  } catch (thrown) {
    const error = firstError(thrown);
    // Whatever a step threw because it was interrupted, the signal is the reason.
    if (received !== undefined) return 128 + constants.signals[received];
    if (!(error instanceof ToolkitError)) throw error;
    process.stderr.write(`${name}: ${error.message.replaceAll('\n', ' ')}\n`);
    return error.exitStatus;
  } finally {
    for (const signal of SIGNALS) process.off(signal, abort);
  }
}

/**
 * What went wrong first: when a device is gone, closing what is open fails as well, and `using` throws that with the
 * first error inside.
 */
function firstError(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error) {
    error = error.suppressed;
  }
  return error;
}

/** `run-npu ... | head` ends like any other tool when its reader has gone. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitStatus.fine);
    throw error;
  });
}
