import { paddedColumnCount, ROWS_PER_GROUP } from '@npu-llama/format/tiles';
import { createMemory } from '@npu-llama/format/wasm';
import { HALVES_SLACK_BYTES, type Kernels, kernelsIn, SCRATCH_BYTES } from './kernels.js';

/**
 * Weights that are read and converted at a time: 1 MiB in, 512 KiB out, which stay in a processor's cache. A group of 16 rows of
 * the widest matrix that the NPU takes (16384 columns) is as large.
 */
const PIECE_WEIGHTS = 1 << 18;
export const PIECE_BYTES = PIECE_WEIGHTS * 4;
const HALVES_BYTES = PIECE_WEIGHTS * 2 + HALVES_SLACK_BYTES;

/** Pieces that reading may be ahead of hashing. */
const SLOTS = 6;

/** Address 0 stays unused. */
const SCRATCH = 1024;
const HALVES = SCRATCH + SCRATCH_BYTES;
const WEIGHTS = HALVES + HALVES_BYTES;
const SLOT = WEIGHTS + PIECE_BYTES;
const END = SLOT + SLOTS * PIECE_BYTES;

/** The memory that a conversion works in, 8 MiB for any model: seen by the kernels and by the hashing thread. */
export class WorkingMemory {
  readonly buffer: SharedArrayBuffer;
  readonly kernels: Kernels;
  /** For the kernels. */
  readonly scratch = SCRATCH;
  /** For the file's bytes, in turns: PIECE_BYTES each. */
  readonly slots: readonly Uint8Array[];
  /** For weights that do not stand in the file as they are: a piece. */
  readonly weights: Float32Array;
  /** For a piece of results. */
  readonly halves: Uint16Array;

  /** @throws FileError when the kernels were not built, WasmMemoryError when there is no such memory */
  constructor() {
    const memory = createMemory(END, 'the conversion', 'shared');
    this.kernels = kernelsIn(memory);
    this.buffer = memory.buffer;
    this.slots = Array.from({ length: SLOTS }, (_, slot) => {
      return new Uint8Array(this.buffer, SLOT + slot * PIECE_BYTES, PIECE_BYTES);
    });
    this.weights = new Float32Array(this.buffer, WEIGHTS, PIECE_WEIGHTS);
    this.halves = new Uint16Array(this.buffer, HALVES, PIECE_WEIGHTS);
  }
}

/** Rows of a tensor a piece: whole groups, so that a piece of a matrix is a run of its tiles. */
export function rowsPerPiece(columns: number): number {
  const groupWeights = ROWS_PER_GROUP * paddedColumnCount(columns);
  if (groupWeights > PIECE_WEIGHTS) throw new Error(`bug: ${columns} columns, more than the NPU takes`);
  return Math.floor(PIECE_WEIGHTS / groupWeights) * ROWS_PER_GROUP;
}
