import type { Session } from '../model/index.js';
import { generate } from '../text/generate.js';
import { PiecePrinter } from '../text/print.js';
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

/** What -m generate gave, prompt included. */
export interface GeneratedText {
  /** All of it; run.c's output leaves lone bytes that are not ASCII out. */
  readonly text: string;
  readonly tokens: readonly number[];
}

/** -m generate: what run.c would print goes to `write` as it comes. */
export async function runGenerate(context: RunContext, prompt: string): Promise<GeneratedText> {
  const { session, tokenizer, sampler, steps, signal, clock, write } = context;
  const promptTokens = tokenizer.encode(prompt);
  clock.prompted(promptTokens.length);
  const tokens = promptTokens.slice(0, 1);
  const printer = new PiecePrinter();
  let text = '';
  const generated = generate(session, { tokenizer, sampler, prompt: promptTokens, steps, signal });
  try {
    for await (const { token, piece, text: added, isPrompt } of generated) {
      tokens.push(token);
      text += added;
      if (!isPrompt) clock.drew();
      write(printer.print(piece));
    }
  } finally {
    // Also where it ends early, so that an error does not stand behind the text.
    write('\n');
  }
  return { text, tokens };
}
