import type { ModelConfig } from '@npu-llama/format';
import type { OpenDeviceOptions } from '@npu-llama/runtime';
import type { NativePrograms, Program } from './native.js';

/** What is measured: files of one model. */
export interface ModelFiles {
  /** For the results: `random, stories110M's shape`. */
  readonly name: string;
  readonly config: ModelConfig;
  readonly npu: string;
  /** Version 0; undefined when only a .npu file was given. */
  readonly checkpoint: string | undefined;
  /** For programs that want one beside the checkpoint. */
  readonly tokenizer: string | undefined;
}

/** Positions to decode for a rate. */
export interface DecodeWindow {
  readonly firstPosition: number;
  readonly count: number;
  /** Its middle, which it is named by. */
  readonly position: number;
}

/** Everything that a part needs to measure. */
export interface Bench {
  readonly files: ModelFiles;
  /** Around position 64, from the first position on, as llama2.c measures; and around 512. */
  readonly windows: readonly [early: DecodeWindow, late: DecodeWindow];
  readonly device: OpenDeviceOptions & { readonly kind: 'sim' | 'rknpu' };
  readonly programs: NativePrograms;
  /** An external llama2.c to put beside it. */
  readonly llama2c: Program;
  readonly runs: number;
  /** To see whether it works: as little of everything as shows that. */
  readonly quick: boolean;
  /** Whether to convert a 7B-shaped checkpoint as well. */
  readonly big: boolean;
  /** For files of the parts' own; removed at the end. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}
