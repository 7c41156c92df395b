/** yargs breaks words that do not fit, so descriptions are written to fit this; wider than the other is hard to read. */
const NARROWEST = 80;
const WIDEST = 110;

/** Columns of --help: those of the terminal, else what COLUMNS says, within limits. */
export function helpWidth(): number {
  const columns = process.stdout.columns ?? (Number(process.env['COLUMNS']) || WIDEST);
  return Math.max(NARROWEST, Math.min(WIDEST, columns));
}
