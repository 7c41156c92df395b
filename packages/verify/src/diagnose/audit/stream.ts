const { fround } = Math;

/** Another value that the residual stream might have, and what that would mean. */
export interface StreamGuess {
  readonly text: string;
  readonly x: Float32Array;
}

/**
 * The residual stream of one position, which no product shows: from the embedding on it is followed by adding what the
 * products gave, in float as any implementation does. The additions are exact up to that one rounding.
 */
export class ResidualStream {
  x: Float32Array;
  #guesses: readonly StreamGuess[];

  /** @param guesses what else the embedding may have been */
  constructor(embedding: Float32Array, guesses: readonly StreamGuess[]) {
    this.x = embedding;
    this.#guesses = guesses;
  }

  /** x += delta. @param from what gave the delta, for words */
  add(delta: Float32Array, from: string): void {
    const before = this.x;
    const plus = (times: number): Float32Array =>
      before.map((value, i) => fround(value + fround(times * delta[i]!)));
    this.x = plus(1);
    this.#guesses = [
      { text: `${from} is not added to the residual stream`, x: before },
      { text: `${from} replaces the residual stream instead of being added`, x: delta },
      { text: `${from} is added to the residual stream twice`, x: plus(2) },
      { text: `${from} is subtracted from the residual stream`, x: plus(-1) },
    ];
  }

  /** What it may be instead, if what comes next is wrong. */
  get guesses(): readonly StreamGuess[] {
    return this.#guesses;
  }

  /**
   * Takes over what the norm's result says about the stream: known up to a factor, which most elements agree on.
   * @param normed [dim] f32, the norm's result @param weight [dim] f32
   */
  recover(normed: Float32Array, weight: Float32Array): void {
    const directions = Array.from(normed, (value, i) => value / weight[i]!);
    const ratios = directions
      .map((direction, i) => direction / this.x[i]!)
      .filter(ratio => Number.isFinite(ratio) && ratio > 0)
      .sort((a, b) => a - b);
    const factor = ratios[Math.floor(ratios.length / 2)];
    if (factor === undefined) return;
    this.x = this.x.map((value, i) => (Number.isFinite(directions[i]) ? directions[i]! / factor : value));
  }
}
