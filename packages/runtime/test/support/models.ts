import { convertCheckpoint } from '@npu-llama/converter';
import {
  type RandomCheckpointOptions,
  writeRandomCheckpoint,
  writeRandomTokenizer,
} from '@npu-llama/fixtures';
import type { ModelConfig } from '@npu-llama/format';
import type { TemporaryFolder } from './temporary-folder.js';

/** Two layers, grouped heads, nothing a multiple of a tile. */
export const TINY: ModelConfig = {
  dim: 40,
  hiddenDim: 72,
  layerCount: 2,
  headCount: 4,
  kvHeadCount: 2,
  vocabSize: 300,
  seqLen: 96,
};

export interface ModelFiles {
  readonly checkpoint: string;
  readonly model: string;
}

/** Writes a random checkpoint and its .npu file, with a tokenizer where the vocabulary has room for one. */
export async function randomModel(
  folder: TemporaryFolder,
  name: string,
  options: RandomCheckpointOptions,
): Promise<ModelFiles> {
  const checkpoint = folder.file(`${name}.bin`);
  const model = folder.file(`${name}.npu`);
  const tokenizer = folder.file(`${name}.tokenizer`);
  const hasTokenizer = options.config.vocabSize > 260;
  writeRandomCheckpoint(checkpoint, options);
  if (hasTokenizer) writeRandomTokenizer(tokenizer, options.config.vocabSize);
  await convertCheckpoint({ source: checkpoint, target: model, ...(hasTokenizer && { tokenizer }) });
  return { checkpoint, model };
}
