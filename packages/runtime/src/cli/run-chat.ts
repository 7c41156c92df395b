import { EOS_TOKEN } from '@npu-llama/format';
import { renderTurn } from '../text/chat-template.js';
import { PiecePrinter } from '../text/print.js';
import type { RunContext } from './run-generate.js';

export interface ChatOptions extends RunContext {
  /** Asked for where undefined. */
  readonly system: string | undefined;
  /** The first turn's text; asked for where undefined. */
  readonly prompt: string | undefined;
  /** Asks a question; undefined at the end of the input. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

/** -m chat: turns until the positions or the input end. EOS ends the assistant's turn. */
export async function runChat(options: ChatOptions): Promise<void> {
  try {
    await takeTurns(options);
  } finally {
    // Also where it ends early, so that an error does not stand behind the text.
    options.write('\n');
  }
}

async function takeTurns(options: ChatOptions): Promise<void> {
  const { steps, ask, write } = options;
  const system = options.system ?? (await ask('Enter system prompt (optional): ')) ?? '';
  let position = 0;
  let user = options.prompt ?? (await ask('User: '));
  while (user !== undefined && position < steps) {
    const turn = renderTurn(user, position === 0 ? system : '');
    write('Assistant: ');
    position = await answer(options, turn, position);
    if (position < steps) user = await ask('User: ');
  }
}

/** One turn of the assistant. @returns the position behind it */
async function answer(options: ChatOptions, turn: string, firstPosition: number): Promise<number> {
  const { session, tokenizer, sampler, steps, signal, clock, write } = options;
  const turnTokens = tokenizer.encode(turn);
  const promptTokens = turnTokens.slice(0, steps - firstPosition);
  clock.prompted(promptTokens.length);
  let logits = await session.forwardBatch(promptTokens, firstPosition, { logits: 'last', signal });
  // No position is left to answer a turn that was cut off.
  if (promptTokens.length < turnTokens.length) return steps;
  // run.c draws at every position and drops what it draws while prompt remains.
  sampler.skip(promptTokens.length - 1);
  const printer = new PiecePrinter();
  let position = firstPosition + promptTokens.length;
  let previous = promptTokens[promptTokens.length - 1]!;
  for (;;) {
    const token = sampler.sample(logits);
    clock.drew();
    if (token === EOS_TOKEN) write('\n');
    else write(printer.print(tokenizer.decode(previous, token)));
    if (position === steps) return position;
    await new Promise(resolve => setImmediate(resolve));
    signal.throwIfAborted();
    logits = await session.forward(token, position++);
    if (token === EOS_TOKEN) {
      sampler.skip(1);
      return position;
    }
    previous = token;
  }
}
