/** Measures once; undefined where there is nothing to measure (no compiler, say). */
export type Contestant = (() => Promise<number>) | undefined;

/**
 * Measures contestants in turns: each once a turn, every other turn in the opposite order, so that a machine that gets slower
 * or warmer meanwhile does so for all of them.
 * @returns samples by name, one a turn; undefined for those that are not there
 */
export async function inTurns<Name extends string>(
  turns: number,
  contestants: Readonly<Record<Name, Contestant>>,
  onTurn?: (turn: number) => void,
): Promise<Record<Name, number[] | undefined>> {
  const there = (Object.entries(contestants) as [Name, Contestant][]).flatMap(([name, measure]) =>
    measure === undefined ? [] : [{ name, measure, samples: [] as number[] }],
  );
  for (let turn = 0; turn < turns; turn++) {
    onTurn?.(turn);
    const order = turn % 2 === 0 ? there : [...there].reverse();
    for (const { measure, samples } of order) samples.push(await measure());
  }
  const results = Object.fromEntries(there.map(({ name, samples }) => [name, samples]));
  return results as Record<Name, number[] | undefined>;
}
