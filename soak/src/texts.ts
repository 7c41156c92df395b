import { createHash } from 'node:crypto';
import { Sampler, type Session, type Tokenizer } from '@npu-llama/runtime';

/** A text to tell: all of its tokens follow from this. */
export interface Text {
  readonly prompt: string;
  readonly temperature: number;
  readonly seed: number;
  /** Tokens behind the prompt. */
  readonly tokens: number;
}

/** One for each session in turns; of different lengths, greedy and drawn. */
export const TEXTS: readonly Text[] = [
  { prompt: '', temperature: 0, seed: 1, tokens: 60 },
  { prompt: 'Once upon a time', temperature: 0, seed: 1, tokens: 50 },
  { prompt: 'One day, a little', temperature: 0.8, seed: 11, tokens: 44 },
  { prompt: 'The sun', temperature: 1, seed: 12, tokens: 56 },
  { prompt: 'Tom and his dog went to the park. They', temperature: 0.9, seed: 13, tokens: 40 },
  { prompt: 'She', temperature: 1, seed: 14, tokens: 62 },
  { prompt: 'It was raining', temperature: 0.5, seed: 15, tokens: 48 },
  { prompt: 'The cat', temperature: 1.2, seed: 16, tokens: 54 },
];

/**
 * Tells a text in a session, a token a step, so that others can have their turn in between. It is told to its length, end of
 * text or not.
 * @returns SHA-256 of every token and of all logits, bit by bit
 */
export async function* tell(
  session: Session,
  tokenizer: Tokenizer,
  text: Text,
): AsyncGenerator<number, string, undefined> {
  const hash = createHash('sha256');
  const sampler = new Sampler({ temperature: text.temperature, seed: text.seed });
  const prompt = tokenizer.encode(text.prompt);
  let logits = await session.forwardBatch(prompt, 0, { logits: 'last' });
  for (let i = 0; i < text.tokens; i++) {
    hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
    const token = sampler.sample(logits);
    hash.update(`${token},`);
    logits = await session.forward(token, prompt.length + i);
    yield token;
  }
  hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  return hash.digest('hex');
}
