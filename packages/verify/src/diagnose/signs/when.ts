import { distinct, rangesText } from './ranges.js';
import type { ProductEvidence, Sign } from './sign.js';

/** Under which circumstances outputs are wrong: heights, rows of the job, positions, repeats. */
export function whenSigns(evidence: ProductEvidence): Sign[] {
  return [heightSign, jobRowSign, positionSign, repeatSign]
    .map(find => find(evidence))
    .filter(sign => sign !== undefined);
}

function heightSign({ rows }: ProductEvidence): Sign | undefined {
  const checked = distinct(rows.map(({ jobRows }) => jobRows));
  const wrong = distinct(rows.filter(row => row.wrong.length > 0).map(({ jobRows }) => jobRows));
  if (checked.length === 1) return undefined;
  const all = `of ${checked.join(', ')}`;
  if (wrong.length === checked.length) return undefined;
  if (wrong.length === 1 && wrong[0] === checked[0]) {
    return { key: 'decodeOnly', text: `only with M = ${wrong[0]} (${all})` };
  }
  if (wrong.length === checked.length - 1 && !wrong.includes(checked[0]!)) {
    return { key: 'batchOnly', text: `only in batches: M = ${wrong.join(', ')}, not ${checked[0]}` };
  }
  return { key: 'someHeights', text: `only with M = ${wrong.join(', ')} (${all})` };
}

function jobRowSign({ rows }: ProductEvidence): Sign | undefined {
  const batches = rows.filter(({ jobRows }) => jobRows > 1);
  const checked = distinct(batches.map(({ jobRow }) => jobRow));
  const wrong = distinct(batches.filter(row => row.wrong.length > 0).map(({ jobRow }) => jobRow));
  if (wrong.length === 0 || wrong.length === checked.length) return undefined;
  const text = `row${wrong.length === 1 ? '' : 's'} ${rangesText(wrong)} of the job`;
  return { key: 'someJobRows', text: `${text} (of ${rangesText(checked)})` };
}

function positionSign({ rows }: ProductEvidence): Sign | undefined {
  const of = (some: typeof rows): number[] => distinct(some.flatMap(({ position }) => position ?? []));
  const checked = of(rows);
  if (checked.length === 0) return undefined;
  const wrong = of(rows.filter(row => row.wrong.length > 0));
  if (wrong.length === 0) return undefined;
  if (wrong.length === checked.length) {
    return checked.length === 1
      ? undefined
      : { key: 'everyPosition', text: `every position checked (${checked.length})` };
  }
  const text = `position${wrong.length === 1 ? '' : 's'} ${rangesText(wrong)}`;
  return { key: 'somePositions', text: `${text} (of the ${checked.length} checked)` };
}

/** The same job made again: whether it is wrong each time. */
function repeatSign({ rows }: ProductEvidence): Sign | undefined {
  const products = new Map<string, boolean[]>();
  for (const { repeat, jobRows, jobRow, wrong } of rows) {
    if (repeat === undefined) continue;
    const product = `${jobRows} ${jobRow}`;
    products.set(product, [...(products.get(product) ?? []), wrong.length > 0]);
  }
  const mixed = [...products.values()].filter(runs => runs.includes(true) && runs.includes(false));
  if (mixed.length === 0) return undefined;
  const runs = mixed.flat();
  const text = `not each time: wrong in ${runs.filter(wrong => wrong).length} of ${runs.length} runs of the same`;
  return { key: 'intermittent', text };
}
