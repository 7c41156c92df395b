import { basename } from 'node:path';
import type { CheckpointFile } from '@npu-llama/format';
import type { ReferenceWeights } from '../reference/index.js';
import type { Tolerances } from '../report/schema.js';
import type { Prompt } from '../verify/index.js';
import { GOLDEN_SCHEMA_VERSION, type Golden, type GoldenPrompt } from './golden-file.js';
import { recordPrompt } from './record-prompt.js';

export interface RecordGoldenOptions {
  readonly version: string;
  readonly checkpoint: CheckpointFile;
  readonly checkpointSha256: string;
  readonly weights: ReferenceWeights;
  /** The file that boards are to hold. */
  readonly model?: { readonly headerSha256: string; readonly bytes: number };
  readonly suite: { readonly name: string; readonly sha256: string };
  readonly tolerances: Tolerances;
  readonly prompts: readonly Prompt[];
  readonly signal?: AbortSignal;
  /** Called before each prompt. */
  readonly onPrompt?: (prompt: Prompt) => void;
  readonly onPosition?: (positionsDone: number) => void;
  readonly onResult?: (recorded: GoldenPrompt) => void;
}

/** Runs both references over a suite and keeps what boards need to be checked against them. */
export async function recordGolden(options: RecordGoldenOptions): Promise<Golden> {
  const { checkpoint, weights, signal, onPosition } = options;
  const { config, sharedClassifier, version } = checkpoint.layout;
  const prompts: GoldenPrompt[] = [];
  for (const prompt of options.prompts) {
    options.onPrompt?.(prompt);
    const recorded = await recordPrompt({
      weights,
      prompt,
      ...(signal && { signal }),
      ...(onPosition && { onPosition }),
    });
    prompts.push(recorded);
    options.onResult?.(recorded);
  }
  return {
    schemaVersion: GOLDEN_SCHEMA_VERSION,
    tool: { name: 'verify-npu', version: options.version },
    checkpoint: {
      name: basename(checkpoint.path),
      sha256: options.checkpointSha256,
      version,
      sharedClassifier,
      config: { ...config },
    },
    ...(options.model && { model: options.model }),
    suite: options.suite,
    tolerances: options.tolerances,
    prompts,
  };
}
