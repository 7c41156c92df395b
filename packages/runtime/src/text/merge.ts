/** Neighbours that may be joined; `position` is the left one's. */
interface Pair {
  readonly position: number;
  readonly left: number;
  readonly right: number;
  readonly joint: number;
  readonly score: number;
}

const before = (a: Pair, b: Pair): boolean =>
  a.score > b.score || (a.score === b.score && a.position < b.position);

/**
 * Joins neighbours, always those whose joint token has the highest score, the leftmost of equals, until none is left to
 * join. Takes n log n steps for n tokens.
 * @param joint the token that two neighbours make, if there is one
 */
export function mergePairs(
  tokens: readonly number[],
  joint: (left: number, right: number) => number | undefined,
  scores: Float32Array,
): number[] {
  const end = tokens.length;
  const current = Int32Array.from(tokens);
  // A joined token keeps the left one's position; the right one's is empty (-1) from then on.
  const next = Int32Array.from(tokens, (_, i) => i + 1);
  const previous = Int32Array.from(tokens, (_, i) => i - 1);
  const queue = new PairQueue();
  const consider = (position: number): void => {
    if (position < 0 || next[position]! >= end) return;
    const left = current[position]!;
    const right = current[next[position]!]!;
    const token = joint(left, right);
    if (token === undefined) return;
    const score = scores[token]!;
    if (score > Number.NEGATIVE_INFINITY) queue.push({ position, left, right, joint: token, score });
  };
  for (let i = 0; i < end; i++) consider(i);
  for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
    const { position, left, right } = pair;
    const gone = next[position]!;
    // Pairs that a merge has taken apart stay in the queue.
    if (current[position] !== left || gone >= end || current[gone] !== right) continue;
    current[position] = pair.joint;
    current[gone] = -1;
    next[position] = next[gone]!;
    if (next[gone]! < end) previous[next[gone]!] = position;
    consider(previous[position]!);
    consider(position);
  }
  return Array.from(current.filter(token => token !== -1));
}

/** A binary heap: the pair to join first is at its top. */
class PairQueue {
  readonly #heap: Pair[] = [];

  push(pair: Pair): void {
    const heap = this.#heap;
    let at = heap.push(pair) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(pair, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = pair;
  }

  pop(): Pair | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
