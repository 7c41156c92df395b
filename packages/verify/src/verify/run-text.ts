import type { LogitsSession } from './logits-source.js';

/** Prompt tokens that go to the NPU in one call. */
export const PROMPT_BATCH = 64;

/** A text whose tokens are all known. */
export interface KnownText {
  readonly tokens: readonly number[];
  /** How many of them are the prompt's: those go in batches, the rest one by one, as when it generates. */
  readonly promptTokens: number;
  /** The last position that is wanted (default: of the last token). */
  readonly until?: number;
}

/**
 * Runs a known text through a session.
 * @param onLogits handed [positions][vocabSize] f32 logits of each call, valid during it
 */
export async function runText(
  session: LogitsSession,
  { tokens, promptTokens, until = tokens.length - 1 }: KnownText,
  signal: AbortSignal | undefined,
  onLogits: (firstPosition: number, logits: Float32Array) => void,
): Promise<void> {
  for (let done = 0; done <= until; ) {
    signal?.throwIfAborted();
    const end = batchEnd(done, promptTokens);
    onLogits(done, await session.forward(tokens.slice(done, end), done));
    done = end;
  }
}

/** Where the call that begins at a position ends: after a batch of the prompt, or after one token behind it. */
export function batchEnd(first: number, promptTokens: number): number {
  return first < promptTokens ? Math.min(first + PROMPT_BATCH, promptTokens) : first + 1;
}
