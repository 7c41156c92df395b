/** Words of a vocabulary that are worked on in one turn: some milliseconds. */
export const WORDS_A_TURN = 2048;

/** Waits until others of this thread have had their turn. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/**
 * Does work whose steps end with a `yield`, a turn of the event loop each.
 * @param pause called between two steps; what it throws ends the work
 */
export async function inTurns<T>(work: Generator<void, T, void>, pause = nextTurn): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** Does the same work at once. */
export function atOnce<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
