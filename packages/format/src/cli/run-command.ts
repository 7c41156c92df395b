import { ExitStatus, ToolkitError } from '../errors.js';

/**
 * Runs the body of a command: an error of ours becomes one line on stderr and its exit status; any other is a bug of
 * ours and keeps its stack.
 * @returns the exit status
 */
export async function runCommand(name: string, body: () => Promise<ExitStatus>): Promise<ExitStatus> {
  ignoreClosedPipe();
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof ToolkitError)) throw error;
    process.stderr.write(`${name}: ${error.message.replaceAll('\n', ' ')}\n`);
    return error.exitStatus;
  }
}

/** `run-npu ... | head` ends like any other tool when its reader has gone. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitStatus.fine);
    throw error;
  });
}
