/** Wider lines are hard to read. */
const WIDEST = 110;

/** Columns of --help: those of the terminal, as far as there is one. */
export function helpWidth(): number {
  return Math.min(WIDEST, process.stdout.columns ?? WIDEST);
}
