/** @param values at least one */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of a[i] / b[i]: each pair was measured in one turn, so what slows both cancels out. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length)
    throw new RangeError(`${a.length} and ${b.length} samples are not of the same turns`);
  return median(a.map((value, turn) => value / b[turn]!));
}
