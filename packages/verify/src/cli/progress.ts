import cliProgress, { type Options, type Params, Presets, SingleBar } from 'cli-progress';

// A CommonJS module: not every export of it has a name for Node.
const { Format } = cliProgress;

/** A progress bar on stderr, one stage after the other; none where stderr is not a terminal. */
export class Progress implements Disposable {
  #bar: SingleBar | undefined;

  /** Ends the stage before and begins another. */
  stage(stage: string, total: number): void {
    this.stop();
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: barLine,
        stream: process.stderr,
        clearOnComplete: true,
        // The terminal is left as it is: Ctrl-Z and kill -9 would leave it without a cursor, and cutting long lines.
        linewrap: true,
        // Whoever stops it is told of signals.
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
    this.#bar.start(total, 0, { stage });
  }

  update(done: number): void {
    this.#bar?.update(done);
  }

  /** Takes the bar off the terminal, so that lines can be printed. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** How long it takes is not known before something is done, and does not matter when all is. */
function barLine(
  options: Options,
  { progress, value, total, eta }: Params,
  payload: { stage: string },
): string {
  const bar = Format.BarFormat(progress, options);
  const left = value === 0 || value >= total ? '' : ` | ${Format.TimeFormat(eta, options, 5)} left`;
  return `${payload.stage} ${bar} ${Math.floor(progress * 100)}%${left}`;
}
