import { describe, expect, test } from '@jest/globals';
import { runChat } from '../../src/cli/run-chat.js';
import { RunClock } from '../../src/cli/statistics.js';
import { Sampler, Tokenizer } from '../../src/index.js';
import { PiecePrinter } from '../../src/text/print.js';
import { rejectionOf } from '../support/errors.js';
import { type Run, randomScript, type Script, ScriptedSession } from '../text/support/scripted-session.js';
import { vocabulary } from '../text/support/vocabulary.js';
import { fakeModel } from './support/fake-model.js';

const EOS = 2;
const letters = [...'abcdefghijINSTY[]/<>'].map(letter => [letter, 0] as const);
const tokenizer = new Tokenizer(vocabulary([' ', 0], ...letters, ['INST', 0], [' [INST]', 0]));
const VOCAB = tokenizer.vocabulary.pieces.length;

interface Talk {
  readonly script: Script;
  readonly steps: number;
  readonly lines: readonly string[];
  readonly system?: string;
  readonly prompt?: string;
}

/** What a chat wrote, asked and ran. */
async function chat({ script, steps, lines, system, prompt }: Talk, signal = new AbortController().signal) {
  const session = new ScriptedSession(script, VOCAB, 4096);
  const input = [...lines];
  const written: Uint8Array[] = [];
  const write = (bytes: Uint8Array | string): void => {
    written.push(Buffer.from(bytes));
  };
  const clock = new RunClock(fakeModel(), 0);
  const done = runChat({
    session: session.asSession,
    tokenizer,
    sampler: new Sampler({ seed: 21 }),
    steps,
    signal,
    clock,
    write,
    system,
    prompt,
    ask: async question => {
      write(question);
      return input.shift();
    },
  });
  return { done, session, clock, text: () => Buffer.concat(written).toString('latin1') };
}

/**
 * A chat as run.c's loop has it: one token a position, a number drawn at each, what is drawn before the
 * turn is complete or behind EOS dropped.
 */
function loop({ script, steps, lines, system, prompt }: Talk) {
  const sampler = new Sampler({ seed: 21 });
  const input = [...lines];
  const runs: Run[] = [];
  let text = '';
  const print = (bytes: Uint8Array | string): void => {
    text += Buffer.from(bytes).toString('latin1');
  };
  const ask = (question: string): string | undefined => {
    print(question);
    return input.shift();
  };
  const instructions = system ?? ask('Enter system prompt (optional): ') ?? '';
  let turn: readonly number[] = [];
  let fed = 0;
  let next = EOS;
  let usersTurn = true;
  for (let position = 0; position < steps; position++) {
    if (usersTurn) {
      usersTurn = false;
      const user = position === 0 && prompt !== undefined ? prompt : ask('User: ');
      if (user === undefined) break;
      const framed = instructions === '' ? user : `<<SYS>>\n${instructions}\n<</SYS>>\n\n${user}`;
      turn = tokenizer.encode(`[INST] ${position === 0 ? framed : user} [/INST]`);
      fed = 0;
      print('Assistant: ');
    }
    const token = fed < turn.length ? turn[fed++]! : next;
    runs.push([token, position]);
    const drawn = sampler.sample(script(token, position));
    if (fed < turn.length) continue;
    usersTurn = token === EOS;
    if (usersTurn) continue;
    next = drawn;
    print(drawn === EOS ? '\n' : new PiecePrinter().print(tokenizer.decode(token, drawn)));
  }
  print('\n');
  return { runs, text };
}

describe("against run.c's loop", () => {
  const talks: readonly (readonly [string, Omit<Talk, 'steps' | 'script'>])[] = [
    ['asked for everything', { lines: ['be kind', 'abc', 'd', 'efg', 'h', 'i', 'j'] }],
    ['with no system prompt', { lines: ['', 'abc', 'd', 'efg', 'h', 'i', 'j'] }],
    ['with -y and -i', { system: 'be kind', prompt: 'abc', lines: ['d', 'efg', 'h', 'i', 'j'] }],
    ['with an empty -y', { system: '', lines: ['abc', '', 'd', 'e', 'f', 'g', 'h'] }],
    ['that the input ends', { system: '', lines: ['abc', 'd'] }],
    ['without any input', { lines: [] }],
  ];
  test.each(talks)('a chat %s writes the same and runs the same tokens', async (_, talk) => {
    for (const steps of [1, 5, 17, 18, 19, 20, 60, 200, 900]) {
      const one = { ...talk, steps, script: randomScript(VOCAB, [EOS], 4) };
      const { done, session, text } = await chat(one);
      await done;
      const wanted = loop(one);
      expect({ steps, text: text() }).toEqual({ steps, text: wanted.text });
      expect(session.runs).toEqual(wanted.runs);
    }
  });
});

describe('a chat', () => {
  const script = randomScript(VOCAB, [EOS], 4);

  test('whose turn does not fit the positions left is not answered', async () => {
    const { done, text, session } = await chat({
      script,
      steps: 6,
      system: '',
      prompt: 'abcdefgh',
      lines: [],
    });
    await done;
    expect(text()).toBe('Assistant: \n');
    expect(session.runs).toHaveLength(6);
  });

  test('that is aborted ends the line before it ends', async () => {
    const controller = new AbortController();
    const why = new Error('enough');
    const { done, text } = await chat(
      { script: randomScript(VOCAB, [EOS], -100), steps: 4000, system: '', prompt: 'a', lines: [] },
      controller.signal,
    );
    controller.abort(why);
    expect(await rejectionOf(done)).toBe(why);
    expect(text()).toMatch(/^Assistant: [^\n]*\n$/);
  });

  test('counts what is drawn, and what was asked', async () => {
    const talk = { script, steps: 200, system: '', prompt: 'ab', lines: ['c'] };
    const { done, clock, session } = await chat(talk);
    await done;
    const { promptTokens, generatedTokens } = clock.statistics();
    const turns = ['ab', 'c'].map(user => tokenizer.encode(`[INST] ${user} [/INST]`).length);
    expect(promptTokens).toBe(turns[0]! + turns[1]!);
    // Every token that was drawn was run: each turn ended by EOS.
    expect(promptTokens + generatedTokens).toBe(session.runs.length);
  });
});
