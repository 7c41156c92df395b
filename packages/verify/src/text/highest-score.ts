/** What cannot be chosen. */
const NONE = Number.NEGATIVE_INFINITY;

/**
 * Scores by place, and at any time the place of the highest, the leftmost of equals: a tournament of neighbours, of which a
 * changed score repeats log n rounds. A text's length is up to whoever wrote it, so nothing may take n steps for each token.
 */
export class HighestScore {
  readonly #scores: Float64Array;
  /** Winners: the root at 1, the two below node i at 2i and 2i + 1, the places themselves from #places on. */
  readonly #winners: Int32Array;
  readonly #places: number;

  constructor(count: number) {
    this.#places = 2 ** Math.ceil(Math.log2(Math.max(2, count)));
    this.#scores = new Float64Array(this.#places).fill(NONE);
    this.#winners = new Int32Array(2 * this.#places);
    for (let place = 0; place < this.#places; place++) this.#winners[this.#places + place] = place;
    for (let node = this.#places - 1; node > 0; node--) this.#winners[node] = this.#winners[2 * node]!;
  }

  /** @param score undefined, NaN and -Infinity: a place that is not to be chosen */
  set(place: number, score: number | undefined): void {
    this.#scores[place] = score === undefined || Number.isNaN(score) ? NONE : score;
    for (let node = (this.#places + place) >> 1; node > 0; node >>= 1) {
      const left = this.#winners[2 * node]!;
      const right = this.#winners[2 * node + 1]!;
      this.#winners[node] = this.#scores[right]! > this.#scores[left]! ? right : left;
    }
  }

  /** Undefined where none is to be chosen. */
  get place(): number | undefined {
    const winner = this.#winners[1]!;
    return this.#scores[winner] === NONE ? undefined : winner;
  }
}
