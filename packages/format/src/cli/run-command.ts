import { inspect } from 'node:util';
import { ExitStatus, ToolkitError } from '../errors.js';
import { oneLine } from './one-line.js';
import { watchOutput } from './output.js';
import { endLine, signalStatus, watchSignals } from './signals.js';

export interface CommandOptions {
  /**
   * What to do when whoever reads stdout has gone: `stop` for a command that is about its output (the status is then
   * fine), `finish` (default) for one whose status says more.
   */
  readonly whenUnread?: 'stop' | 'finish';
  /** Ends the message of a device's error: where to go on looking (doctorHint). Undefined before that is known. */
  readonly deviceHint?: () => string | undefined;
}

/**
 * Runs the body of a command. An error of ours becomes one line on stderr and its exit status; any other is a bug of ours,
 * whose stack is shown: ExitStatus.internal, also where it is thrown beside the body (a timer, a promise that nobody waits
 * for). SIGINT, SIGTERM and SIGHUP abort the body's signal; once it has cleaned up, the status is 128 + the signal's number. A
 * second signal ends the process at once (see watchSignals), and so does the first once the body is through and its output is
 * not yet read.
 * @returns the exit status
 */
export async function runCommand(
  name: string,
  body: (signal: AbortSignal) => Promise<number>,
  { whenUnread = 'finish', deviceHint }: CommandOptions = {},
): Promise<number> {
  const controller = new AbortController();
  /** The status that an abort ends with. */
  let abortStatus: number | undefined;
  const abort = (status: number, reason: string): void => {
    abortStatus ??= status;
    controller.abort(new Error(reason));
  };
  const output = watchOutput(() => {
    if (whenUnread === 'stop') abort(ExitStatus.fine, 'nobody reads the output');
  });
  using _bugs = watchBugs(name);
  /** Nothing is left to be done, but the output to be read. */
  let through = false;
  using _signals = watchSignals(signal => {
    abort(signalStatus(signal), `received ${signal}`);
    // What nobody reads would keep the process alive, whatever is returned here.
    if (through) process.exit(signalStatus(signal));
  });
  try {
    const status = await body(controller.signal);
    through = true;
    return await output.finish(name, status);
  } catch (thrown) {
    // A signal that came while a call blocked, and made it fail (a compiler that Ctrl-C ended, say), is seen here: the event
    // loop looks for signals between two immediates, but not always before the first.
    for (let turn = 0; turn < 2; turn++) await new Promise(resolve => setImmediate(resolve));
    const error = firstError(thrown);
    // Whatever a step threw because it was interrupted, the signal is the reason.
    if (abortStatus !== undefined) return abortStatus;
    if (!(error instanceof ToolkitError)) {
      process.stderr.write(describeBug(name, error));
      return ExitStatus.internal;
    }
    const hint = error.exitStatus === ExitStatus.device ? deviceHint?.() : undefined;
    const message = hint === undefined ? error.message : `${error.message}; ${hint}`;
    process.stderr.write(`${name}: ${oneLine(message)}\n`);
    return error.exitStatus;
  }
}

/** What is thrown where nobody catches it ends the process, which removes unfinished files (watchSignals). */
function watchBugs(name: string): Disposable {
  const onBug = (error: unknown): void => {
    if (process.stderr.isTTY) endLine();
    process.stderr.write(describeBug(name, error));
    process.exit(ExitStatus.internal);
  };
  process.on('uncaughtException', onBug);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', onBug) };
}

function describeBug(name: string, error: unknown): string {
  const what = 'that was unexpected: a bug, unless memory ran out; please report it with the lines above';
  return `${inspect(error)}\n${name}: ${what}\n`;
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
