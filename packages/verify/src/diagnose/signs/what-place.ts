import { floatToHalf, halfToFloat } from '@npu-llama/format';
import type { TaskRange } from '../../npu/npu-under-test.js';
import { type ProductRow, productMatches } from '../product-row.js';
import { GROUP_ROWS, TILE_COLUMNS } from '../tile-layout.js';
import { distinct, rangesText } from './ranges.js';
import type { ProductEvidence, Sign, SignFinder, SignKey } from './sign.js';
import {
  confirmed,
  isOutputOf,
  partialProduct,
  SAMPLES,
  type WrongOutput,
  wrongOutputs,
} from './wrong-outputs.js';

/** Every wrong output is the right one of another channel or row: key, words, which channel. */
const NEIGHBOURS: readonly (readonly [SignKey, string, (n: number) => number])[] = [
  ['neighbourChannel', "the next channel's, around within 16", n => n - (n % 16) + ((n + 1) % 16)],
  ['neighbourChannel', "the next channel's", n => n + 1],
  ['neighbourChannel', "the channel before's, around within 16", n => n - (n % 16) + ((n + 15) % 16)],
  ['neighbourChannel', "the channel before's", n => n - 1],
  ['neighbourChannel', 'those of pairs exchanged', n => n ^ 1],
  ['neighbourSurface', "the next surface's (4 channels on)", n => n + 4],
  ['neighbourSurface', "the surface before's (4 channels back)", n => n - 4],
  ['neighbourSurface', "the next group's (16 channels on)", n => n + GROUP_ROWS],
  ['neighbourSurface', "the group before's (16 channels back)", n => n - GROUP_ROWS],
];

export const neighbourSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  for (const [key, text, from] of NEIGHBOURS) {
    if (confirmed(wrong, ({ row, n, got }) => isOutputOf(got, row, from(n)))) return { key, text };
  }
  return undefined;
};

/** Every wrong output is that of another row of the same job. */
export const neighbourRowSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  const rowOf = (row: ProductRow, jobRow: number): ProductRow | undefined =>
    evidence.rows.find(other => other.job === row.job && other.jobRow === jobRow && other !== row);
  for (const [text, from] of [
    ["the next row's", (m: number) => m + 1],
    ["the row before's", (m: number) => m - 1],
    ["row 0's", () => 0],
  ] as const) {
    if (confirmed(wrong, ({ row, n, got }) => isOutputOf(got, rowOf(row, from(row.jobRow)), n))) {
      return { key: 'neighbourRow', text: `${text} of the same job` };
    }
  }
  return undefined;
};

/** Every wrong output is that of the position before. */
export const earlierPositionSign: SignFinder = evidence => {
  const at = new Map(evidence.rows.map(row => [row.position, row]));
  const earlier = ({ row, n, got }: WrongOutput): boolean | undefined =>
    row.position === undefined ? undefined : isOutputOf(got, at.get(row.position - 1), n);
  if (!confirmed(wrongOutputs(evidence), earlier)) return undefined;
  return { key: 'earlierPosition', text: "the position before's" };
};

/** Every wrong output is one a certain number of rows further on or back: moved parts, moved rows. */
export const movedSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  const first = wrong[0];
  if (first === undefined || wrong.length < 2) return undefined;
  const { parts } = evidence.matrix.layout;
  const partOf = (n: number) => parts.find(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows);
  const isAt = (from: (n: number) => number | undefined) =>
    confirmed(wrong, ({ row, n, got }) => {
      const other = from(n);
      return other === undefined ? undefined : isOutputOf(got, row, other);
    });
  for (const a of parts) {
    for (const b of parts) {
      if (a.firstRow >= b.firstRow || a.rows !== b.rows) continue;
      const swapped = (n: number): number | undefined => {
        const part = partOf(n);
        if (part === a) return n - a.firstRow + b.firstRow;
        return part === b ? n - b.firstRow + a.firstRow : undefined;
      };
      if (!isAt(swapped)) continue;
      const [one, other] = [a, b].map(({ source }) => source.split('.').pop());
      return { key: 'partsSwapped', text: `${one} and ${other} swapped` };
    }
  }
  const exchanged = exchangedTasks(evidence, isAt);
  if (exchanged !== undefined) return exchanged;
  for (let other = 0; other < first.row.sums.length; other++) {
    const by = other - first.n;
    if (by === 0 || isOutputOf(first.got, first.row, other) !== true) continue;
    if (isAt(n => n + by)) {
      return { key: 'rowsMoved', text: `those of ${Math.abs(by)} rows ${by > 0 ? 'further on' : 'back'}` };
    }
  }
  return undefined;
};

/** Two tasks of the same size whose results are each other's. */
function exchangedTasks(
  { matrix }: ProductEvidence,
  isAt: (from: (n: number) => number | undefined) => boolean,
): Sign | undefined {
  const { tasks } = matrix.placed.variants[0]!;
  const holds = ({ firstRow, rows }: TaskRange, n: number): boolean => n >= firstRow && n < firstRow + rows;
  for (const [i, a] of tasks.entries()) {
    for (const b of tasks.slice(i + 1)) {
      if (a.rows !== b.rows) continue;
      const by = b.firstRow - a.firstRow;
      if (!isAt(n => (holds(a, n) ? n + by : holds(b, n) ? n - by : undefined))) continue;
      const [one, other] = [a, b].map(({ core, link }) => `${link} of core ${core}`);
      return { key: 'rowsMoved', text: `the results of task ${one} and task ${other} are each other's` };
    }
  }
  return undefined;
}

/** The wrong outputs of a row are each other's. */
export const swappedSign: SignFinder = evidence => {
  const wrong = wrongOutputs(evidence);
  const channels = distinct(wrong.map(({ n }) => n));
  if (channels.length < 2 || channels.length > 2 * GROUP_ROWS) return undefined;
  const partner = new Map<number, number>();
  for (const n of channels) {
    const other = channels.find(
      candidate =>
        candidate !== n &&
        confirmed(
          wrong.filter(output => output.n === n),
          ({ row, got }) => isOutputOf(got, row, candidate),
        ),
    );
    if (other === undefined) return undefined;
    partner.set(n, other);
  }
  if ([...partner].some(([n, other]) => partner.get(other) !== n)) return undefined;
  return { key: 'rowsSwapped', text: `outputs ${rangesText(channels)} are each other's` };
};

/** The right result without what some columns add: a tile of columns that never took part. */
export const columnsMissingSign: SignFinder = evidence => {
  const { columns } = evidence.matrix.layout;
  const wrong = wrongOutputs(evidence, SAMPLES);
  const halves = new Map<ProductRow, Float32Array>();
  for (const { row } of wrong) {
    if (!halves.has(row))
      halves.set(
        row,
        row.input.map(value => halfToFloat(floatToHalf(value))),
      );
  }
  for (let first = 0; first < columns; first += TILE_COLUMNS) {
    const end = Math.min(columns, first + TILE_COLUMNS);
    const without = ({ row, n, got }: WrongOutput): boolean => {
      const { sum } = partialProduct(evidence.weights, n, halves.get(row)!, first, end);
      return productMatches(got, row.sums[n]! - sum, row.magnitudes[n]!);
    };
    if (!confirmed(wrong, without)) continue;
    return { key: 'columnsMissing', text: `without what columns ${first} to ${end - 1} add` };
  }
  return undefined;
};
