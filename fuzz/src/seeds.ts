import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '@npu-llama/converter';
import { writeRandomCheckpoint, writeRandomTokenizer } from '@npu-llama/fixtures';
import type { CheckpointVersion, ModelConfig } from '@npu-llama/format';

/** As small as a model with a tokenizer can be, with two layers and heads that share keys. */
const CONFIG: ModelConfig = {
  dim: 16,
  hiddenDim: 32,
  layerCount: 2,
  headCount: 4,
  kvHeadCount: 2,
  vocabSize: 264,
  seqLen: 8,
};

const SUITE = {
  schemaVersion: 1,
  name: 'small',
  positions: 4,
  tolerances: { 'fp16.meanRms': 0.01 },
  prompts: [
    { name: 'empty', text: '' },
    { text: 'a', mode: 'free', positions: 4 },
    { text: 'b', mode: 'free', temperature: 1, topP: 0.9, seeds: [1, 2] },
  ],
};

/** Real files of every kind, to be mutated. */
export interface Seeds {
  readonly checkpoints: readonly Uint8Array[];
  readonly tokenizer: Uint8Array;
  readonly model: Uint8Array;
  readonly suite: Uint8Array;
  readonly golden: Uint8Array;
  readonly report: Uint8Array;
}

const CHECKPOINTS = ([0, 1, 2] as const).flatMap((version: CheckpointVersion) =>
  [true, false].map(sharedClassifier => {
    const name = `v${version}-${sharedClassifier ? 'shared' : 'own'}-classifier.bin`;
    return { name, version, sharedClassifier };
  }),
);

/** Writes one file of every kind into `folder`, with the tools that users have for it. */
export async function writeSeeds(folder: string): Promise<void> {
  const path = (name: string): string => join(folder, name);
  const tokenizer = path('tokenizer.bin');
  writeRandomTokenizer(tokenizer, CONFIG.vocabSize, 1);
  for (const { name, ...kind } of CHECKPOINTS) writeRandomCheckpoint(path(name), { config: CONFIG, ...kind });
  const source = path(CHECKPOINTS[0]!.name);
  const model = path('model.npu');
  await convertCheckpoint({ source, target: model, tokenizer });
  const suite = path('suite.json');
  writeFileSync(suite, JSON.stringify(SUITE, null, 2));
  verifyNpu([
    'record',
    source,
    '-z',
    tokenizer,
    '--suite',
    suite,
    '--model',
    model,
    '-o',
    path('golden.json'),
  ]);
  verifyNpu([model, '--reference', source, '--suite', suite, '--device', 'sim', '-o', path('report.json')]);
}

/** Reads what writeSeeds wrote. */
export function readSeeds(folder: string): Seeds {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
  return {
    checkpoints: CHECKPOINTS.map(({ name }) => read(name)),
    tokenizer: read('tokenizer.bin'),
    model: read('model.npu'),
    suite: read('suite.json'),
    golden: read('golden.json'),
    report: read('report.json'),
  };
}

function verifyNpu(args: readonly string[]): void {
  const verify = fileURLToPath(new URL('../../../packages/verify/bin/verify-npu.js', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [verify, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`verify-npu: status ${status}\n${stderr}`);
}
