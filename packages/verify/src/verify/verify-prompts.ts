import { type ModelConfig, UsageError } from '@npu-llama/format';
import { DEFAULT_TOLERANCES, type Tolerances } from '../compare/index.js';
import type { ReferenceWeights } from '../reference/index.js';
import { showText } from '../text/index.js';
import type { LogitsModel } from './logits-source.js';
import { type Prompt, type PromptResult, verifyPrompt } from './verify-prompt.js';

/** Positions of a prompt that are compared when nobody says how many: enough for a story to get going. */
export const DEFAULT_POSITION_COUNT = 64;

export interface VerifyOptions {
  readonly weights: ReferenceWeights;
  readonly npu: LogitsModel;
  readonly prompts: readonly Prompt[];
  /**
   * Positions to compare for each prompt, its own tokens included. Default: DEFAULT_POSITION_COUNT, or as many as the
   * prompt has tokens if those are more, but never more than the model's seqLen.
   */
  readonly positionCount?: number;
  /** Default DEFAULT_TOLERANCES. */
  readonly tolerances?: Tolerances;
  /** Ends the comparison within one position; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called before each prompt, with the number of positions that it will take at most. */
  readonly onPrompt?: (prompt: Prompt, positionCount: number) => void;
  /** Called after each position. */
  readonly onPosition?: (positionsDone: number) => void;
  /** Called after each prompt. */
  readonly onResult?: (result: PromptResult) => void;
}

/** What became of all prompts. */
export interface VerifyResult {
  readonly prompts: readonly PromptResult[];
  readonly tolerances: Tolerances;
  /** Nothing failed anywhere. */
  readonly passed: boolean;
}

/**
 * Verifies an NPU's logits against the reference's, prompt by prompt.
 * @throws UsageError for a prompt or a number of positions that does not fit the model, before anything runs
 */
export async function verifyPrompts(options: VerifyOptions): Promise<VerifyResult> {
  const { weights, npu, signal, onPosition, tolerances = DEFAULT_TOLERANCES } = options;
  const counts = planPositions(options.prompts, weights.config, options.positionCount);
  const prompts: PromptResult[] = [];
  for (const [i, prompt] of options.prompts.entries()) {
    const positionCount = counts[i]!;
    options.onPrompt?.(prompt, positionCount);
    const result = await verifyPrompt({
      weights,
      npu,
      prompt,
      positionCount,
      tolerances,
      ...(signal && { signal }),
      ...(onPosition && { onPosition }),
    });
    prompts.push(result);
    options.onResult?.(result);
  }
  return { prompts, tolerances, passed: prompts.every(promptPassed) };
}

/** Whether nothing failed in a prompt. */
export function promptPassed(result: PromptResult): boolean {
  return result.failures.length === 0 && result.positions.every(({ failures }) => failures.length === 0);
}

/**
 * How many positions of each prompt will be compared: see VerifyOptions.positionCount.
 * @throws UsageError for a prompt or a number of positions that does not fit the model
 */
export function planPositions(
  prompts: readonly Prompt[],
  { seqLen }: ModelConfig,
  positionCount: number | undefined,
): number[] {
  if (positionCount !== undefined && !(positionCount >= 1 && positionCount <= seqLen)) {
    throw new UsageError('impossible number of positions', {
      got: String(positionCount),
      wanted: `1 to ${seqLen}, the model's seq_len`,
    });
  }
  return prompts.map(prompt => {
    const tokens = prompt.tokens.length;
    const room = positionCount ?? seqLen;
    if (tokens < 1 || tokens > room) {
      throw new UsageError(`prompt ${prompt.number} ${showText(prompt.text)} does not fit`, {
        got: `${tokens} tokens`,
        wanted: `1 to ${room}, ${room === seqLen ? "the model's seq_len" : 'the positions to compare'}`,
        next: room === seqLen ? 'use a shorter prompt' : 'use a shorter prompt or compare more positions',
      });
    }
    return positionCount ?? Math.min(seqLen, Math.max(DEFAULT_POSITION_COUNT, tokens));
  });
}
