import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '@npu-llama/converter';
import { type PresetName, preset, talesFixture, writeRandomTokenizer } from '@npu-llama/fixtures';
import { checkpointLayout, encodeCheckpointHeader, type ModelConfig } from '@npu-llama/format';
import { runToEnd } from './run-to-end.js';

/** What the commands read. */
export interface Inputs {
  /** A command's file, as `converter/bin/convert-weights.js`. */
  readonly bin: (path: string) => string;
  readonly makeCheckpoint: string;
  /** So large that reading and loading it takes a while, and shows a progress bar; all of its weights are 0. */
  readonly checkpoint: string;
  readonly tokenizer: string;
  readonly model: string;
  /** Of several batches. */
  readonly prompt: string;
  readonly talesCheckpoint: string;
  readonly tales: string;
  readonly suite: string;
  readonly golden: string;
}

/** Of the repository, from dist/src/interrupts. */
const ROOT = new URL('../../../../', import.meta.url);

/** A command's file. @param path in packages/ */
export function binPath(path: string): string {
  return fileURLToPath(new URL(`packages/${path}`, ROOT));
}

/**
 * Makes every file that a command reads.
 * @param shape of the large one
 */
export async function makeInputs(folder: string, shape: PresetName = 'stories42M'): Promise<Inputs> {
  const path = (name: string): string => join(folder, name);
  const inputs: Inputs = {
    bin: binPath,
    makeCheckpoint: fileURLToPath(new URL('fixtures/dist/src/cli/make-checkpoint.js', ROOT)),
    checkpoint: path('zeros.bin'),
    tokenizer: path('zeros.tokenizer.bin'),
    model: path('zeros.npu'),
    prompt: 'Once upon a time there was a fox. '.repeat(12),
    talesCheckpoint: talesFixture.checkpoint,
    tales: path('tales.npu'),
    suite: path('suite.json'),
    golden: path('golden.json'),
  };
  writeZeros(inputs, preset(shape));
  await convertCheckpoint({ source: inputs.checkpoint, tokenizer: inputs.tokenizer, target: inputs.model });
  const { checkpoint: source, tokenizer } = talesFixture;
  await convertCheckpoint({ source, tokenizer, target: inputs.tales });
  const prompts = [{ text: 'One day' }, { text: 'Anna the rabbit', mode: 'free' }];
  writeFileSync(
    inputs.suite,
    JSON.stringify({ schemaVersion: 1, name: 'interrupts', positions: 24, prompts }),
  );
  const record = ['record', source, '--suite', inputs.suite, '--model', inputs.tales, '-o', inputs.golden];
  const { status, stderr } = await runToEnd([binPath('verify/bin/verify-npu.js'), ...record]);
  if (status !== 0) throw new Error(`verify-npu record: ${stderr}`);
  return inputs;
}

/** A checkpoint of zeros takes no room on the disk. */
function writeZeros({ checkpoint, tokenizer }: Inputs, config: ModelConfig): void {
  const header = { version: 0, config, sharedClassifier: true } as const;
  writeFileSync(checkpoint, encodeCheckpointHeader(header));
  truncateSync(checkpoint, checkpointLayout(header).fileBytes);
  writeRandomTokenizer(tokenizer, config.vocabSize);
}

/** What the inputs are: their bytes, mode and time of change. No command may change any of it. */
export function stateOf(inputs: Inputs): string {
  const { checkpoint, tokenizer, model, talesCheckpoint, tales, suite, golden } = inputs;
  const state = [checkpoint, tokenizer, model, talesCheckpoint, tales, suite, golden].map(path => {
    const { mode, mtimeNs, size, ino } = statSync(path, { bigint: true });
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    return [path, `${mode}`, `${mtimeNs}`, `${size}`, `${ino}`, sha256];
  });
  return JSON.stringify(state);
}
