import { Presets, SingleBar } from 'cli-progress';

const FORMAT = '{stage} {bar} {percentage}% | {eta_formatted} left';

/** A progress bar on stderr, one stage after the other; none where stderr is not a terminal. */
export class Progress implements Disposable {
  #bar: SingleBar | undefined;

  /** Ends the stage before and begins another. */
  stage(stage: string, total: number): void {
    this.stop();
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      { format: FORMAT, stream: process.stderr, clearOnComplete: true, hideCursor: true },
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
