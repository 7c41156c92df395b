import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { type GeneratedToken, type GenerateOptions, generate, Sampler, Tokenizer } from '../../src/index.js';
import { rejectionOf } from '../support/errors.js';
import {
  type Run,
  randomScript,
  recitation,
  type Script,
  ScriptedSession,
} from './support/scripted-session.js';
import { FIRST_TEXT_TOKEN, vocabulary } from './support/vocabulary.js';

const SEQ_LEN = 24;
const BOS = 1;
const letters = [...'abcdefghij'].map(letter => [letter, 0] as const);
const tokenizer = new Tokenizer(vocabulary([' ', 0], ...letters, [' a', -1], ['🦊', 0]));
const VOCAB = tokenizer.vocabulary.pieces.length;
const greedy = (): Sampler => new Sampler({ temperature: 0 });

async function all(
  script: Script,
  options: Omit<GenerateOptions, 'tokenizer'>,
): Promise<{ readonly generated: GeneratedToken[]; readonly runs: readonly Run[] }> {
  const session = new ScriptedSession(script, VOCAB, SEQ_LEN);
  const generated: GeneratedToken[] = [];
  for await (const token of generate(session.asSession, { tokenizer, ...options })) generated.push(token);
  return { generated, runs: session.runs };
}

/** llama2.c's generating, step by step: feed, then take the prompt's next token or draw one; end at steps or BOS. */
function loop(script: Script, prompt: readonly number[], steps: number, sampler: Sampler) {
  const generated: Omit<GeneratedToken, 'piece' | 'text'>[] = [];
  const runs: Run[] = [];
  let token = prompt[0]!;
  for (let position = 0; position < steps; ) {
    runs.push([token, position]);
    const logits = script(token, position);
    const isPrompt = position + 1 < prompt.length;
    const next = isPrompt ? prompt[position + 1]! : sampler.sample(logits);
    position++;
    if (next === BOS) break;
    generated.push({ token: next, position, isPrompt });
    token = next;
  }
  return { generated, runs };
}

const bare = ({ token, position, isPrompt }: GeneratedToken) => ({ token, position, isPrompt });

describe("against run.c's loop", () => {
  const promptLengths = [1, 2, 3, 5, 8, 22, 23, 24, 25, 40];
  const stepCounts = [1, 2, 3, 4, 5, 8, 22, 23, 24];
  const rows = promptLengths.flatMap(length => stepCounts.map(steps => [length, steps] as const));

  test.each(rows)(
    'a prompt of %d tokens, %d steps: the same tokens from the same runs',
    async (length, steps) => {
      // Without BOS in it, so that only a drawn one ends the text.
      const prompt = [BOS, ...Array.from({ length: length - 1 }, (_, i) => FIRST_TEXT_TOKEN + (i % 10))];
      for (const [seed, boost] of [
        [1, 0],
        [2, 0],
        [3, 4], // BOS comes soon
      ] as const) {
        const script = randomScript(VOCAB, [BOS], boost);
        const sampler = (): Sampler => new Sampler({ seed, topP: 0.95 });
        const { generated, runs } = await all(script, { prompt, steps, sampler: sampler() });
        const wanted = loop(script, prompt, steps, sampler());
        expect(generated.map(bare)).toEqual(wanted.generated);
        // What is behind the end of the text need not run; before it nothing may be missing.
        expect(runs).toEqual(wanted.runs);
      }
    },
  );
});

describe('generate', () => {
  test('a prompt in text is encoded, and its tokens come first and flagged', async () => {
    const text = [...tokenizer.encode('ab'), FIRST_TEXT_TOKEN + 3];
    const { generated } = await all(recitation(VOCAB, text), { prompt: 'ab', sampler: greedy() });
    expect(generated.map(({ text, isPrompt, position }) => [text, isPrompt, position])).toEqual([
      ['a', true, 1],
      ['b', true, 2],
      ['c', false, 3],
    ]);
  });

  test('without a prompt it begins at BOS', async () => {
    const { generated, runs } = await all(recitation(VOCAB, [BOS, 262]), { sampler: greedy() });
    expect(generated.map(bare)).toEqual([{ token: 262, position: 1, isPrompt: false }]);
    expect(runs[0]).toEqual([BOS, 0]);
  });

  test('BOS ends the text and is no part of it; EOS is a token like others', async () => {
    const { generated } = await all(recitation(VOCAB, [BOS, 262, 2, 263, BOS, 264]), { sampler: greedy() });
    expect(generated.map(({ token }) => token)).toEqual([262, 2, 263]);
  });

  test('BOS within a prompt ends the text there, as in run.c', async () => {
    const { generated } = await all(randomScript(VOCAB), { prompt: [BOS, 262, BOS, 263], sampler: greedy() });
    expect(generated.map(({ token }) => token)).toEqual([262]);
  });

  test("steps are the model's seq_len by default", async () => {
    const text = [BOS, ...new Array<number>(100).fill(262)];
    const { generated, runs } = await all(recitation(VOCAB, text), { sampler: greedy() });
    expect(generated).toHaveLength(SEQ_LEN);
    expect(runs).toHaveLength(SEQ_LEN);
  });

  test.each([0, -1, 1.5, Number.NaN, SEQ_LEN + 1])(
    '%p steps are refused before anything runs',
    async steps => {
      const session = new ScriptedSession(randomScript(VOCAB), VOCAB, SEQ_LEN);
      const error = await rejectionOf(
        generate(session.asSession, { tokenizer, sampler: greedy(), steps }).next(),
      );
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toBe(
        `impossible number of steps: got ${steps}, wanted 1 to 24, the model's seq_len`,
      );
      expect(session.runs).toEqual([]);
    },
  );

  test.each([1, 2, 6])(
    'draws a number for each drawn token and no other, behind %d prompt tokens',
    async length => {
      const script = randomScript(VOCAB);
      const prompt = tokenizer.encode('').concat(new Array<number>(length - 1).fill(264));
      const sampler = new Sampler({ seed: 11 });
      const { generated } = await all(script, { prompt, steps: 12, sampler });
      const drawn = generated.filter(({ isPrompt }) => !isPrompt).length;
      expect(drawn).toBe(13 - length);
      const other = new Sampler({ seed: 11 });
      other.skip(drawn);
      const flat = new Float32Array(9999);
      expect(sampler.sample(flat)).toBe(other.sample(flat));
    },
  );

  test('a session can be used again: the next text begins at its beginning', async () => {
    const session = new ScriptedSession(randomScript(VOCAB), VOCAB, SEQ_LEN);
    const once = async (): Promise<number[]> => {
      const tokens: number[] = [];
      const options = { tokenizer, sampler: new Sampler({ seed: 4 }), steps: 9 };
      for await (const { token } of generate(session.asSession, options)) tokens.push(token);
      return tokens;
    };
    expect(await once()).toEqual(await once());
  });
});

describe('text', () => {
  const byte = (value: number): number => 3 + value;
  const bytesOf = (text: string): number[] => Array.from(Buffer.from(text), byte);

  test('is whole characters, where their bytes come as a token each', async () => {
    const tokens = [BOS, ...bytesOf('é'), 261, ...bytesOf('🦊'), 261];
    const { generated } = await all(recitation(VOCAB, tokens), { sampler: greedy() });
    expect(generated.map(({ text }) => text)).toEqual(['', 'é', 'b', '', '', '', '🦊', 'b']);
    expect(Buffer.concat(generated.map(({ piece }) => piece)).toString()).toBe('éb🦊b');
  });

  test('is whole characters also from the prompt into what is drawn', async () => {
    const [first, ...rest] = bytesOf('🦊');
    const { generated } = await all(recitation(VOCAB, [BOS, first!, ...rest]), {
      prompt: [BOS, first!],
      sampler: greedy(),
    });
    expect(generated.map(({ text, isPrompt }) => [text, isPrompt])).toEqual([
      ['', true],
      ['', false],
      ['', false],
      ['🦊', false],
    ]);
  });

  test('has the replacement character for bytes that are none, and goes on', async () => {
    const { generated } = await all(recitation(VOCAB, [BOS, byte(0xc3), 261]), { sampler: greedy() });
    expect(generated.map(({ text }) => text)).toEqual(['', '\ufffdb']);
  });

  test('keeps a byte order mark: it is a character like others', async () => {
    const { generated } = await all(recitation(VOCAB, [BOS, ...bytesOf('\ufeffx')]), { sampler: greedy() });
    expect(generated.map(({ text }) => text).join('')).toBe('\ufeffx');
  });
});

describe('a signal', () => {
  const why = new Error('enough');

  test('that is aborted already lets nothing run', async () => {
    const session = new ScriptedSession(randomScript(VOCAB), VOCAB, SEQ_LEN);
    const options = { tokenizer, sampler: greedy(), signal: AbortSignal.abort(why) };
    expect(await rejectionOf(generate(session.asSession, options).next())).toBe(why);
    expect(session.runs).toEqual([]);
  });

  test.each([
    ['a prompt token', 2],
    ['the last prompt token', 4],
    ['a drawn token', 7],
  ])('aborted at %s ends the text there, with its reason', async (_, position) => {
    const controller = new AbortController();
    const session = new ScriptedSession(recitation(VOCAB, new Array<number>(30).fill(262)), VOCAB, SEQ_LEN);
    const { signal } = controller;
    const options = { tokenizer, sampler: greedy(), prompt: [BOS, 262, 263, 264, 265], signal };
    const seen: number[] = [];
    const consume = async (): Promise<void> => {
      for await (const token of generate(session.asSession, options)) {
        seen.push(token.position);
        if (token.position === position) controller.abort(why);
      }
    };
    expect(await rejectionOf(consume())).toBe(why);
    expect(seen).toEqual(Array.from({ length: position }, (_, i) => i + 1));
  });

  test('aborted from elsewhere is seen between tokens, though each of them is ready at once', async () => {
    const controller = new AbortController();
    const session = new ScriptedSession(recitation(VOCAB, new Array<number>(5001).fill(262)), VOCAB, 5000);
    setImmediate(() => controller.abort(why));
    const seen: number[] = [];
    const consume = async (): Promise<void> => {
      const options = { tokenizer, sampler: greedy(), signal: controller.signal };
      for await (const { position } of generate(session.asSession, options)) seen.push(position);
    };
    expect(await rejectionOf(consume())).toBe(why);
    expect(seen.length).toBeLessThan(10);
  });
});
