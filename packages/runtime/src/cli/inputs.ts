import { NpuFile, readTokenizerFile, UsageError } from '@npu-llama/format';
import { Tokenizer } from '../text/index.js';
import type { RunOptions } from './options.js';

/** run.c's -n. */
const DEFAULT_STEPS = 256;

/** What a run needs of its files beside the weights. */
export interface RunInputs {
  readonly tokenizer: Tokenizer;
  /** Positions to run. */
  readonly steps: number;
}

/** @throws FileError, UsageError for files that will not do */
export function readInputs(options: RunOptions, note: (text: string) => void): RunInputs {
  using file = NpuFile.open(options.model);
  return { tokenizer: readTokenizer(file, options), steps: stepsFor(file.config.seqLen, options, note) };
}

function readTokenizer(file: NpuFile, { tokenizer }: RunOptions): Tokenizer {
  const vocabulary =
    tokenizer === undefined
      ? file.readTokenizer()
      : readTokenizerFile(tokenizer, file.config.vocabSize).vocabulary;
  if (vocabulary !== undefined) return new Tokenizer(vocabulary);
  throw new UsageError(`${file.path} has no tokenizer inside`, {
    next: 'give one with -z, or convert again with convert-weights -z tokenizer.bin',
  });
}

/** As in run.c: 0 is the model's seq_len and more than that is that, but said. */
function stepsFor(seqLen: number, { steps }: RunOptions, note: (text: string) => void): number {
  if (steps === undefined) return Math.min(DEFAULT_STEPS, seqLen);
  if (steps > seqLen) note(`-n ${steps} is more than the model's seq_len; running ${seqLen}`);
  return steps === 0 ? seqLen : Math.min(steps, seqLen);
}
