import { basename, join } from 'node:path';
import { preset, talesFixture, writeRandomCheckpoint, writeRandomTokenizer } from '@npu-llama/fixtures';
import { CheckpointFile, NpuFile, UsageError } from '@npu-llama/format';
import type { ModelFiles } from './bench.js';
import { commandScript, runChild } from './child.js';

export interface ModelChoice {
  /** The trained fixture instead of a random model. */
  readonly quick: boolean;
  readonly checkpoint: string | undefined;
  readonly model: string | undefined;
  readonly tokenizer: string | undefined;
  /** For files that are made here. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/** The model to measure: files that were given, the fixture, or random weights in stories110M's shape. */
export async function prepareModel(choice: ModelChoice): Promise<ModelFiles> {
  const { quick, folder, signal, progress } = choice;
  if (choice.checkpoint === undefined && choice.model !== undefined) {
    return {
      name: basename(choice.model),
      config: configOf(choice.model),
      npu: choice.model,
      checkpoint: undefined,
      tokenizer: choice.tokenizer,
    };
  }
  const { checkpoint, tokenizer, name } =
    choice.checkpoint !== undefined
      ? { checkpoint: choice.checkpoint, tokenizer: choice.tokenizer, name: basename(choice.checkpoint) }
      : quick
        ? { ...talesFixture, name: 'the fixture (tales)' }
        : makeRandom(folder, progress);
  const { config, version } = checkpointHeader(checkpoint);
  if (version !== 0) {
    throw new UsageError(`${checkpoint}: version ${version}`, {
      wanted: 'version 0, which C programs beside it can read',
    });
  }
  const npu = choice.model ?? join(folder, 'model.npu');
  if (choice.model === undefined) {
    progress('convert the checkpoint');
    await convertFile(checkpoint, npu, { tokenizer, signal });
  }
  // What was written just now goes to the disk before anything is measured, not meanwhile.
  await runChild('sync', [], { signal });
  return { name, config, npu, checkpoint, tokenizer };
}

function makeRandom(folder: string, progress: (text: string) => void) {
  const config = preset('stories110M');
  const checkpoint = join(folder, 'model.bin');
  const tokenizer = join(folder, 'tokenizer.bin');
  progress("make a random checkpoint of stories110M's shape (438 MB)");
  writeRandomCheckpoint(checkpoint, { config });
  writeRandomTokenizer(tokenizer, config.vocabSize);
  return { checkpoint, tokenizer, name: "random weights, stories110M's shape" };
}

function configOf(model: string) {
  using file = NpuFile.open(model);
  return file.config;
}

function checkpointHeader(path: string) {
  using file = CheckpointFile.open(path);
  const { config, version } = file.layout;
  return { config, version };
}

/** Runs convert-weights. */
export async function convertFile(
  checkpoint: string,
  target: string,
  { tokenizer, signal }: { readonly tokenizer: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const vocabulary = tokenizer === undefined ? [] : ['-z', tokenizer];
  const args = [commandScript('converter', 'convert-weights'), checkpoint, '-o', target, '-q', ...vocabulary];
  await runChild(process.execPath, args, { signal });
}
