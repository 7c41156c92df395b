import { BOS_TOKEN, UsageError } from '@npu-llama/format';
import type { Session } from '../model/session.js';
import type { Sampler } from './sampler.js';
import type { Tokenizer } from './tokenizer.js';

/** A token of the text, in the order of the text. */
export interface GeneratedToken {
  readonly token: number;
  /** Its place in the text: 1 for the first behind BOS. */
  readonly position: number;
  /** Its bytes; not always whole UTF-8 characters. */
  readonly piece: Uint8Array;
  /** What it adds to the text: empty while a character is not complete. */
  readonly text: string;
  /** Whether it was given rather than drawn. */
  readonly isPrompt: boolean;
}

export interface GenerateOptions {
  readonly tokenizer: Tokenizer;
  readonly sampler: Sampler;
  /** Text to go on from; or its tokens, BOS first. */
  readonly prompt?: string | readonly number[];
  /** Positions to run at most, the prompt's included; default and at most the model's seq_len. */
  readonly steps?: number;
  /** Ends the generation within one token, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Goes on from a prompt as run.c does: prompt tokens first, then drawn ones, until `steps` or until BOS is drawn.
 * The prompt runs in batches; the session is rewound to its beginning.
 */
export async function* generate(
  session: Session,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { tokenizer, sampler, signal, prompt = '' } = options;
  const { seqLen } = session.config;
  const promptTokens = typeof prompt === 'string' ? tokenizer.encode(prompt) : [...prompt];
  const steps = checkedSteps(options.steps ?? seqLen, seqLen);
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const emit = (previous: number, token: number, position: number, isPrompt: boolean): GeneratedToken => {
    const piece = tokenizer.decode(previous, token);
    return { token, position, piece, text: utf8.decode(piece, { stream: true }), isPrompt };
  };

  signal?.throwIfAborted();
  const known = promptTokens.slice(0, steps);
  let logits = await session.forwardBatch(known, 0, { logits: 'last', ...(signal && { signal }) });
  for (let position = 1; position < promptTokens.length && position <= steps; position++) {
    const token = promptTokens[position]!;
    // A prompt may hold BOS itself, where run.c ends.
    if (token === BOS_TOKEN) return;
    yield emit(promptTokens[position - 1]!, token, position, true);
    signal?.throwIfAborted();
  }
  let previous = known[known.length - 1]!;
  for (let position = promptTokens.length; position <= steps; position++) {
    const token = sampler.sample(logits);
    if (token === BOS_TOKEN) return;
    yield emit(previous, token, position, false);
    if (position === steps) return;
    // Others get their turn between tokens; a signal is seen within one.
    await new Promise(resolve => setImmediate(resolve));
    signal?.throwIfAborted();
    logits = await session.forward(token, position);
    previous = token;
  }
}

function checkedSteps(steps: number, seqLen: number): number {
  if (!Number.isInteger(steps) || steps < 1 || steps > seqLen) {
    throw new UsageError('impossible number of steps', {
      got: String(steps),
      wanted: `1 to ${seqLen}, the model's seq_len`,
    });
  }
  return steps;
}
