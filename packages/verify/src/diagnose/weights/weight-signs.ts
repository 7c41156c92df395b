import { halfToFloat, type TiledMatrix } from '@npu-llama/format';
import { counted, distinct, rangesText } from '../signs/ranges.js';
import type { Sign } from '../signs/sign.js';
import { TILE_COLUMNS, TILE_WEIGHTS, tileElement } from '../tile-layout.js';
import { differencePlaces, type WeightDifferences } from './compare-weights.js';

/** What different weights have in common: where they are, what they are instead, and how much it matters. */
export function weightSigns(differences: WeightDifferences): Sign[] {
  if (differences.count === 0) return [];
  const what = [paddingSign, partsSign, zeroSign, tilesSign, rowsSign, columnsSign, bitsSign];
  let found: Sign | undefined;
  for (const find of what) {
    found = find(differences);
    if (found !== undefined) break;
  }
  return [placeSign(differences), ...(found === undefined ? [] : [found]), effectSign(differences)];
}

function placeSign(differences: WeightDifferences): Sign {
  const places = differencePlaces(differences);
  const rowsText = numbered('row', distinct(places.map(({ row }) => row)));
  const columnsText = numbered('column', distinct(places.map(({ column }) => column)));
  const tiles = distinct(differences.elements.map(element => Math.floor(element / TILE_WEIGHTS)));
  return {
    key: 'weightPlace',
    text: `${rowsText}, ${columnsText} (${counted(tiles.length, 'tile')} of 16 x 32)`,
  };
}

function numbered(noun: string, values: readonly number[]): string {
  return `${noun}${values.length === 1 ? '' : 's'} ${rangesText(values)}`;
}

function effectSign({ elements, wanted, got }: WeightDifferences): Sign {
  const largest = elements.reduce((max, i) => {
    const change = Math.abs(halfToFloat(got[i]!) - halfToFloat(wanted[i]!));
    return Number.isNaN(change) || change > max ? (Number.isNaN(change) ? Infinity : change) : max;
  }, 0);
  const text = Number.isFinite(largest) ? Number(largest.toPrecision(3)) : 'not finite';
  return { key: 'weightEffect', text: `largest change of a weight ${text}` };
}

/** Nothing but padding rows and columns, which should be zero. */
function paddingSign(differences: WeightDifferences): Sign | undefined {
  const { parts, columns } = differences.layout;
  const isPadding = ({ row, column }: { row: number; column: number }): boolean =>
    column >= columns || !parts.some(({ firstRow, rows }) => row >= firstRow && row < firstRow + rows);
  if (!differencePlaces(differences).every(isPadding)) return undefined;
  return { key: 'weightPadding', text: 'padding that is not zero' };
}

function partsSign({ layout, wanted, got }: WeightDifferences): Sign | undefined {
  const { parts, paddedColumns } = layout;
  const all = (values: Uint16Array, { firstRow, rows }: TiledMatrix['parts'][number]): Uint16Array =>
    values.subarray(firstRow * paddedColumns, (firstRow + Math.ceil(rows / 16) * 16) * paddedColumns);
  for (const a of parts) {
    for (const b of parts) {
      if (a.firstRow >= b.firstRow || a.rows !== b.rows) continue;
      if (!same(all(got, a), all(wanted, b)) || !same(all(got, b), all(wanted, a))) continue;
      const [one, other] = [a, b].map(({ source }) => source.split('.').pop());
      return { key: 'weightPartsSwapped', text: `${one} and ${other} swapped` };
    }
  }
  return undefined;
}

function zeroSign({ elements, got }: WeightDifferences): Sign | undefined {
  const first = got[elements[0]!]!;
  if (elements.length < 2 || !elements.every(i => got[i] === first)) return undefined;
  if ((first & 0x7fff) === 0) return { key: 'weightsZero', text: 'zero' };
  return { key: 'weightsZero', text: `all 0x${first.toString(16).padStart(4, '0')}` };
}

/** Whole tiles that hold each other's weights, or another's. */
function tilesSign({ layout, elements, wanted, got }: WeightDifferences): Sign | undefined {
  const tiles = distinct(elements.map(element => Math.floor(element / TILE_WEIGHTS)));
  if (tiles.length < 2 || tiles.length > 64) return undefined;
  const tile = (values: Uint16Array, i: number): Uint16Array =>
    values.subarray(i * TILE_WEIGHTS, (i + 1) * TILE_WEIGHTS);
  const sources = tiles.map(i => tiles.find(other => other !== i && same(tile(got, i), tile(wanted, other))));
  if (sources.some(source => source === undefined)) return undefined;
  const across = layout.paddedColumns / TILE_COLUMNS;
  const names = tiles.map(i => `(${Math.floor(i / across)}, ${i % across})`);
  const shown = names.length > 4 ? `${names.slice(0, 4).join(', ')}, ...` : names.join(' and ');
  return { key: 'tilesSwapped', text: `tiles ${shown} swapped` };
}

/** Rows that hold another row's weights. */
function rowsSign(differences: WeightDifferences): Sign | undefined {
  const { layout, wanted, got } = differences;
  const rows = distinct(differencePlaces(differences).map(({ row }) => row));
  const first = rows[0]!;
  const isRow = (row: number, other: number): boolean =>
    other >= 0 && other < layout.paddedRows && same(rowOf(layout, got, row), rowOf(layout, wanted, other));
  for (let other = 0; other < layout.paddedRows; other++) {
    const by = other - first;
    if (by === 0 || !isRow(first, other)) continue;
    // At the end of what was shifted, one row has nowhere to come from.
    const ends = (row: number): boolean => row === rows[rows.length - 1] || row === first;
    if (!rows.every(row => isRow(row, row + by) || (rows.length > 2 && ends(row)))) continue;
    const text = `rows ${rangesText(rows)} hold those of ${counted(Math.abs(by), 'row')} ${by > 0 ? 'further on' : 'back'}`;
    return { key: 'weightRowsMoved', text };
  }
  return undefined;
}

/** Rows whose own weights are moved along by a few columns. */
function columnsSign(differences: WeightDifferences): Sign | undefined {
  const { layout, wanted, got } = differences;
  const rows = distinct(differencePlaces(differences).map(({ row }) => row));
  const { columns } = layout;
  for (const by of [1, -1, 2, -2, 8, -8, 16, -16, 32, -32]) {
    const moved = (row: number): boolean => {
      const [is, was] = [rowOf(layout, got, row), rowOf(layout, wanted, row)];
      for (let k = Math.max(0, by); k < Math.min(columns, columns + by); k++) {
        if (is[k] !== was[k - by]) return false;
      }
      return true;
    };
    if (Math.abs(by) >= columns || !rows.every(moved)) continue;
    const text = `the weights of row${rows.length === 1 ? '' : 's'} ${rangesText(rows)} shifted by ${counted(Math.abs(by), 'column')}`;
    return { key: 'weightColumnsMoved', text };
  }
  return undefined;
}

/** Single bits, by what they are. */
function bitsSign({ elements, wanted, got }: WeightDifferences): Sign | undefined {
  const flips = elements.map(i => wanted[i]! ^ got[i]!);
  if (flips.some(bits => (bits & (bits - 1)) !== 0)) return undefined;
  const bits = distinct(flips.map(flip => 31 - Math.clz32(flip)));
  const first = elements[0]!;
  const state = (got[first]! & flips[0]!) !== 0 ? 'set' : 'cleared';
  const names = bits.map(bit => `${bitName(bit)} (bit ${bit})`);
  const flipped = elements.length === 1 ? state : 'flipped';
  return {
    key: 'weightBits',
    text: `${names.slice(0, 4).join(', ')}${names.length > 4 ? ', ...' : ''} ${flipped}`,
  };
}

function bitName(bit: number): string {
  if (bit === 15) return 'the sign';
  return bit >= 10 ? `exponent bit ${bit - 10}` : `mantissa bit ${bit}`;
}

function rowOf({ paddedColumns }: TiledMatrix, tiles: Uint16Array, row: number): Uint16Array {
  const out = new Uint16Array(paddedColumns);
  for (let first = 0; first < paddedColumns; first += TILE_COLUMNS) {
    const at = tileElement(row, first, paddedColumns);
    out.set(tiles.subarray(at, at + TILE_COLUMNS), first);
  }
  return out;
}

function same(a: Uint16Array, b: Uint16Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
