import type { Finding } from '../report/schema.js';
import type { MatrixUnderTest, ProductRow } from './product-row.js';
import { findSigns } from './signs/find-signs.js';
import { distinct, rangesOf } from './signs/ranges.js';
import type { ProductEvidence, Sign } from './signs/sign.js';

/** A finding as reports have it, and what it was made from. */
export interface SignedFinding {
  readonly finding: Finding;
  readonly signs: readonly Sign[];
  /** Positions at which it was found, ascending; empty where it has none. */
  readonly positions: readonly number[];
}

/** The report's limit. */
const MAX_RANGES = 16;

/** Ranges of wrong outputs for a report. @param wrong ascending */
export function reportRanges(wrong: readonly number[]): [number, number][] {
  return rangesOf(wrong).slice(0, MAX_RANGES);
}

/** JSON has no NaN and no infinities. */
export function reportFigure(value: number): number | 'NaN' | 'Infinity' | '-Infinity' {
  return Number.isFinite(value) ? value : (String(value) as 'NaN');
}

/**
 * What the products of a matrix have come to: undefined where all are right. The place is a part of the fused matrix
 * (`layers.3.wk`) where only that is wrong, else the whole (`layers.3.wqkv`); ranges count its rows.
 * @param explained why they are wrong, where that is known already
 */
export function productFinding(
  evidence: ProductEvidence,
  tolerance: number,
  explained?: Sign,
): SignedFinding | undefined {
  const rows = evidence.rows.filter(row => row.wrong.length > 0);
  if (rows.length === 0) return undefined;
  const wrong = distinct(rows.flatMap(row => row.wrong));
  const { place, firstRow, count } = placeOf(evidence.matrix, wrong);
  const signs = findSigns(evidence, explained);
  const worst = rows.reduce((a, b) => (b.worst > a.worst ? b : a));
  return {
    finding: {
      place,
      what: 'product',
      wrong: wrong.length,
      of: count,
      ranges: reportRanges(wrong.map(n => n - firstRow)),
      common: signs.map(({ text }) => text),
      example: exampleOf(worst, firstRow, tolerance),
    },
    signs,
    positions: distinct(rows.flatMap(({ position }) => position ?? [])),
  };
}

function placeOf(
  { layout }: MatrixUnderTest,
  wrong: readonly number[],
): { place: string; firstRow: number; count: number } {
  if (layout.parts.length === 1) return { place: layout.name, firstRow: 0, count: layout.paddedRows };
  const part = layout.parts.find(({ firstRow, rows }) =>
    wrong.every(n => n >= firstRow && n < firstRow + rows),
  );
  if (part === undefined) return { place: layout.name, firstRow: 0, count: layout.paddedRows };
  return { place: part.source, firstRow: part.firstRow, count: part.rows };
}

/** The output that is furthest off. */
function exampleOf(row: ProductRow, firstRow: number, tolerance: number): NonNullable<Finding['example']> {
  const off = (n: number): number => {
    const error = Math.abs(row.output[n]! - row.sums[n]!);
    return Number.isNaN(error) ? Infinity : error;
  };
  const output = row.wrong.reduce((a, b) => (off(b) > off(a) ? b : a));
  return {
    ...(row.position !== undefined && { position: row.position }),
    output: output - firstRow,
    got: reportFigure(row.output[output]!),
    wanted: reportFigure(row.sums[output]!),
    tolerance: reportFigure(tolerance * row.magnitudes[output]!),
  };
}
