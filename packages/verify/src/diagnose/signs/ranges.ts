/** Distinct numbers, ascending. */
export function distinct(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** First and last of each run of consecutive numbers. @param values ascending */
export function rangesOf(values: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const value of values) {
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last[1] === value - 1) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
}

/** `0 to 15, 32`, at most `limit` ranges. @param values ascending */
export function rangesText(values: readonly number[], limit = 4): string {
  const ranges = rangesOf(values);
  const shown = ranges
    .slice(0, limit)
    .map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  return `${shown.join(', ')}${ranges.length > limit ? ', ...' : ''}`;
}

/** `1 row`, `3 rows`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
