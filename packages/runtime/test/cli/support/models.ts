import { convertCheckpoint } from '@npu-llama/converter';
import { preset, talesFixture, writeRandomCheckpoint, writeRandomTokenizer } from '@npu-llama/fixtures';
import type { TemporaryFolder } from '../../support/temporary-folder.js';

/** The trained model, its tokenizer inside. */
export async function talesModel(folder: TemporaryFolder): Promise<string> {
  const target = folder.file('tales.npu');
  await convertCheckpoint({ source: talesFixture.checkpoint, tokenizer: talesFixture.tokenizer, target });
  return target;
}

/** The trained model without a tokenizer. */
export async function talesWithoutTokenizer(folder: TemporaryFolder): Promise<string> {
  const target = folder.file('bare.npu');
  await convertCheckpoint({ source: talesFixture.checkpoint, target, existing: 'replace' });
  return target;
}

/** A small random model that goes on for many seconds with -t 0 -n 0. */
export async function endlessModel(folder: TemporaryFolder): Promise<string> {
  const [source, tokenizer, target] = [
    folder.file('endless.bin'),
    folder.file('endless.tok'),
    folder.file('endless.npu'),
  ];
  const config = { ...preset('tiny'), seqLen: 100_000 };
  writeRandomCheckpoint(source, { config, seed: 1 });
  writeRandomTokenizer(tokenizer, config.vocabSize);
  await convertCheckpoint({ source, tokenizer, target });
  return target;
}
