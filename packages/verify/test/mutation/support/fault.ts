import type { Board } from './board.js';
import type { ModelName } from './models.js';
import type { Tiles } from './tiles.js';

/** The parts of a .npu file, to be damaged. */
export interface NpuFileBytes {
  tiles(matrix: string): Tiles;
  /** A tensor of f32: rms_att, rms_ffn, rms_final. */
  floats(tensor: string): Float32Array;
}

/** Something wrong, put into an otherwise good model on an otherwise good device. */
export interface Fault {
  /** In words; no two alike. */
  readonly name: string;
  /** Where it is put, in words. */
  readonly put: string;
  /** Default: the trained fixture. */
  readonly model?: ModelName;
  /** Damages the .npu file, which is loaded without looking at its checksums. */
  readonly file?: (file: NpuFileBytes) => void;
  /** Loads a damaged file with a look at its checksums after all. */
  readonly checksums?: true;
  /** Damages what the model does from the moment it is loaded on. */
  readonly arm?: (board: Board) => void;
  /** Damages what the CPU does; put back afterwards. */
  readonly patch?: () => void;
  /** verify (default): with the checkpoint at hand. check: with a golden record. */
  readonly command?: 'verify' | 'check';
  /** Compares with the checkpoint or the golden record of that model instead of its own. */
  readonly against?: ModelName;
  /** Options behind the command's own. */
  readonly options?: readonly string[];
  /** What a plain run does not find and these options do. */
  readonly onlyWith?: readonly string[];
  /** Cuts the file short by so many bytes. */
  readonly cut?: number;
  readonly expected: Expected;
}

/** The files of a model. */
export interface ModelPaths {
  readonly checkpoint: string;
  /** With the fault, where it is put into the file. */
  readonly model: string;
  readonly golden: string;
  /** Options that every run with it takes. */
  readonly options: readonly string[];
}

/** What has to come of it. */
export interface Expected {
  /** Exit status. */
  readonly status: 0 | 1 | 2 | 3;
  /** What has to catch it, among others: `audit`, `logits`. */
  readonly by: readonly string[];
  /** The first place that is named; undefined where the fault has none. */
  readonly place?: string;
  /** Part of what the outputs found have in common: `core 1`. */
  readonly common?: string;
  /** What the conclusions or the error have to say. */
  readonly says?: RegExp;
}
