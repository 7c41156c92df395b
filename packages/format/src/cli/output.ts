import { ExitStatus, fileErrorFrom } from '../errors.js';

/** What became of stdout: writes fail later, and tell an event, not whoever wrote. */
export interface OutputWatch {
  /** Waits until all is written. @returns the exit status that remains of `status` */
  finish(name: string, status: number): Promise<number>;
}

/**
 * Watches stdout and stderr while a command runs. Nothing can be said where stderr itself cannot be written, so its errors
 * are let go; those of stdout end in finish().
 * @param onUnread called when whoever reads stdout has gone: `run-npu ... | head`
 */
export function watchOutput(onUnread: () => void): OutputWatch {
  let failure: NodeJS.ErrnoException | undefined;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error;
    if (error.code === 'EPIPE') onUnread();
  });
  return {
    finish: async (name, status) => {
      await new Promise<void>(resolve => process.stdout.write('', () => resolve()));
      // Whoever stopped reading knows; the command's own status stands.
      if (failure === undefined || failure.code === 'EPIPE') return status;
      process.stderr.write(`${name}: ${fileErrorFrom(failure, 'the output', 'write').message}\n`);
      return status === ExitStatus.fine ? ExitStatus.usageOrFile : status;
    },
  };
}
