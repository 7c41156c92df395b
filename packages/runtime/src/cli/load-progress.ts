/** Loading less than this takes no time that a person would notice. */
const WORTH_SHOWING_BYTES = 64 * 2 ** 20;
const MIB = 2 ** 20;

export interface LoadProgress {
  readonly update: (doneBytes: number, totalBytes: number) => void;
  readonly stop: () => void;
}

/** A progress bar for loading, on a terminal only, on stderr. */
export async function loadProgress(wanted: boolean): Promise<LoadProgress> {
  if (!wanted || !process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  // Only here, so that others need not wait for it.
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({
    stream: process.stderr,
    format: 'loading {bar} {percentage}% | {value}/{total} MiB',
    barCompleteChar: '#',
    barIncompleteChar: '.',
    // The terminal is left as it is: Ctrl-Z and kill -9 would leave it without a cursor, and cutting long lines.
    linewrap: true,
    clearOnComplete: true,
    // Whoever stops it is told of signals.
    gracefulExit: false,
  });
  return {
    update: (doneBytes, totalBytes) => {
      if (totalBytes < WORTH_SHOWING_BYTES) return;
      if (!bar.isActive) bar.start(Math.ceil(totalBytes / MIB), 0);
      bar.update(Math.ceil(doneBytes / MIB));
    },
    stop: () => bar.stop(),
  };
}
