import { type ModelConfig, UsageError } from '@npu-llama/format';
import { showText } from '../text/index.js';
import type { Prompt } from './prompt.js';

/** Positions of a prompt that are compared when nobody says how many: enough for a story to get going. */
export const DEFAULT_POSITION_COUNT = 64;

/**
 * How many positions of a prompt will be compared at most: see Prompt.positionCount.
 * @throws UsageError for a prompt or a number of positions that does not fit the model
 */
export function planPositions(
  prompt: Pick<Prompt, 'number' | 'text' | 'tokens' | 'positionCount'>,
  { seqLen, vocabSize }: ModelConfig,
): number {
  const { positionCount } = prompt;
  const name = `prompt ${prompt.number} ${showText(prompt.text)}`;
  if (positionCount !== undefined && !(positionCount >= 1 && positionCount <= seqLen)) {
    throw new UsageError(`${name}: impossible number of positions`, {
      got: String(positionCount),
      wanted: `1 to ${seqLen}, the model's seq_len`,
    });
  }
  const foreign = prompt.tokens.find(token => !Number.isInteger(token) || token < 0 || token >= vocabSize);
  if (foreign !== undefined) {
    throw new UsageError(`${name}: no such token`, { got: String(foreign), wanted: `0 to ${vocabSize - 1}` });
  }
  const tokens = prompt.tokens.length;
  const room = positionCount ?? seqLen;
  if (tokens < 1 || tokens > room) {
    throw new UsageError(`${name} does not fit`, {
      got: `${tokens} tokens`,
      wanted: `1 to ${room}, ${room === seqLen ? "the model's seq_len" : 'the positions to compare'}`,
      next: room === seqLen ? 'use a shorter prompt' : 'use a shorter prompt or compare more positions',
    });
  }
  return positionCount ?? Math.min(seqLen, Math.max(DEFAULT_POSITION_COUNT, tokens));
}
