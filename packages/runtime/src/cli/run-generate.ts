import type { Session } from '../model/index.js';
import { generate } from '../text/generate.js';
import { printableBytes } from '../text/print.js';
import type { Sampler } from '../text/sampler.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { RunClock } from './statistics.js';

export interface RunContext {
  readonly session: Session;
  readonly tokenizer: Tokenizer;
  readonly sampler: Sampler;
  readonly steps: number;
  readonly signal: AbortSignal;
  readonly clock: RunClock;
  readonly write: (bytes: Uint8Array | string) => void;
}

/** -m generate: the text goes to `write` as it comes. @returns the tokens, prompt included */
export async function runGenerate(context: RunContext, prompt: string): Promise<number[]> {
  const { session, tokenizer, sampler, steps, signal, clock, write } = context;
  const promptTokens = tokenizer.encode(prompt);
  clock.prompted(promptTokens.length);
  const tokens = promptTokens.slice(0, 1);
  const generated = generate(session, { tokenizer, sampler, prompt: promptTokens, steps, signal });
  try {
    for await (const { token, piece, isPrompt } of generated) {
      tokens.push(token);
      if (!isPrompt) clock.drew();
      write(printableBytes(piece));
    }
  } finally {
    // Also where it ends early, so that an error does not stand behind the text.
    write('\n');
  }
  return tokens;
}
