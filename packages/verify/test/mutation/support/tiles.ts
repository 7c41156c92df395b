import type { TiledMatrix } from '@npu-llama/format';
import { tileElement } from '../../../src/diagnose/tile-layout.js';

/** A matrix's weights where they stand in a file or in DMA memory, to be damaged. */
export class Tiles {
  /** @param data [paddedRows/16][paddedColumns/32][16][32] f16 as bits */
  constructor(
    readonly layout: TiledMatrix,
    readonly data: Uint16Array,
  ) {}

  get(row: number, column: number): number {
    return this.data[this.#at(row, column)]!;
  }

  set(row: number, column: number, bits: number): void {
    this.data[this.#at(row, column)] = bits;
  }

  /** Inverts one bit of a weight; 15 is the sign, 10 to 14 the exponent. */
  flip(row: number, column: number, bit: number): void {
    this.set(row, column, this.get(row, column) ^ (1 << bit));
  }

  /** Exchanges two tiles, by their places in the order of the file. */
  swapTiles(a: number, b: number): void {
    const first = this.data.slice(a * 512, (a + 1) * 512);
    this.data.copyWithin(a * 512, b * 512, (b + 1) * 512);
    this.data.set(first, b * 512);
  }

  /** Exchanges two ranges of whole 16-row groups. */
  swapRows(first: number, second: number, rows: number): void {
    const { paddedColumns } = this.layout;
    const [a, b, count] = [first * paddedColumns, second * paddedColumns, rows * paddedColumns];
    const kept = this.data.slice(a, a + count);
    this.data.copyWithin(a, b, b + count);
    this.data.set(kept, b);
  }

  /** Moves a row's weights `by` columns to the right, around its end. */
  shiftRow(row: number, by: number): void {
    const { columns } = this.layout;
    const before = Array.from({ length: columns }, (_, column) => this.get(row, column));
    for (let column = 0; column < columns; column++) {
      this.set(row, column, before[(column - by + columns) % columns]!);
    }
  }

  /** Puts the row before into each row of a range. */
  pushRows(first: number, last: number): void {
    for (let row = last; row >= first; row--) {
      for (let column = 0; column < this.layout.columns; column++) {
        this.set(row, column, this.get(row - 1, column));
      }
    }
  }

  #at(row: number, column: number): number {
    return tileElement(row, column, this.layout.paddedColumns);
  }
}
