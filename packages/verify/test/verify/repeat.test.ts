import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { type LogitsModel, type RepeatOptions, repeatRuns } from '../../src/verify/index.js';

const VOCABULARY = 5;
const TEXT = { number: 3, tokens: [1, 9, 9, 4], promptTokens: 3 };

/** Logits of a run, by position; in place or others. */
type Change = (logits: Float32Array, at: { readonly run: number; readonly position: number }) => Float32Array;

/** A device that gives every position its own logits, and what a run of it changes. */
class Repeater implements LogitsModel {
  readonly calls: string[] = [];
  runs = 0;
  openSessions = 0;

  constructor(readonly change: Change = logits => logits) {}

  createSession() {
    const run = ++this.runs;
    this.openSessions++;
    return {
      forward: async (tokens: readonly number[], firstPosition: number) => {
        this.calls.push(`${run}: ${tokens.length} at ${firstPosition}`);
        const rows = tokens.map((token, i) => {
          const position = firstPosition + i;
          const logits = Float32Array.from({ length: VOCABULARY }, (_, n) => position + token / (n + 2));
          return this.change(logits, { run, position });
        });
        return Float32Array.from(rows.flatMap(row => Array.from(row)));
      },
      close: async () => {
        this.openSessions--;
      },
    };
  }
}

const repeat = (npu: LogitsModel, options: Partial<RepeatOptions> = {}) =>
  repeatRuns({ npu, vocabSize: VOCABULARY, texts: [TEXT], ...options });

/** Time as a test has it: each run of the device takes a second. */
function countingClock() {
  let now = 1e6;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  return {
    secondPerRun: (): Change => {
      let seen = 0;
      return (logits, { run }) => {
        if (run > seen) now += 1000;
        seen = Math.max(seen, run);
        return logits;
      };
    },
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

function flipBit(logits: Float32Array, token: number): Float32Array {
  new Uint32Array(logits.buffer)[token]! ^= 1;
  return logits;
}

describe('a device that repeats itself', () => {
  test('is identical, after as many runs as asked for, each in a session of its own', async () => {
    const npu = new Repeater();
    const found = await repeat(npu, { repeats: 5 });
    expect(found).toMatchObject({ repeats: 5, identical: true, unstable: [], unstablePositions: 0 });
    expect([npu.runs, npu.openSessions]).toEqual([5, 0]);
  });

  test('gets the prompt in one batch and the rest one by one, as when it was compared', async () => {
    const npu = new Repeater();
    const tokens = Array.from({ length: 68 }, (_, i) => i);
    await repeat(npu, { texts: [{ number: 1, tokens, promptTokens: 66 }], repeats: 2 });
    const run = ['64 at 0', '2 at 64', '1 at 66', '1 at 67'];
    expect(npu.calls).toEqual([...run.map(call => `1: ${call}`), ...run.map(call => `2: ${call}`)]);
  });

  test.each([undefined, 1, 2])('runs at least twice: --repeat %p', async repeats => {
    const npu = new Repeater();
    expect(await repeat(npu, repeats === undefined ? {} : { repeats })).toMatchObject({ repeats: 2 });
    expect(npu.runs).toBe(2);
  });

  test('the number of runs is that of the text with the fewest', async () => {
    const npu = new Repeater();
    const texts = [TEXT, { ...TEXT, number: 4 }];
    expect(await repeat(npu, { texts, repeats: 3 })).toMatchObject({ repeats: 3 });
    expect(npu.runs).toBe(6);
  });

  test('without texts nothing runs', async () => {
    expect(await repeat(new Repeater(), { texts: [] })).toMatchObject({ repeats: 0, identical: true });
  });
});

describe('a device that does not', () => {
  test('one flipped bit in run 3: which output, which run, which position', async () => {
    const npu = new Repeater((logits, { run, position }) =>
      run === 3 && position === 2 ? flipBit(logits, 4) : logits,
    );
    const found = await repeat(npu, { repeats: 4 });
    expect(found).toMatchObject({ identical: false, unstablePositions: 1 });
    const first = Math.fround(2 + 9 / 6);
    expect(found.unstable).toEqual([
      { prompt: 3, position: 2, run: 3, outputs: 1, firstToken: 4, first, other: expect.closeTo(first, 5) },
    ]);
    expect(found.unstable[0]!.other).not.toBe(first);
  });

  test('several outputs of a position are one entry, of the first of them', async () => {
    const npu = new Repeater((logits, { run }) => (run === 2 ? flipBit(flipBit(logits, 3), 1) : logits));
    const { unstable } = await repeat(npu);
    expect(unstable.map(({ position, outputs, firstToken }) => [position, outputs, firstToken])).toEqual([
      [0, 2, 1],
      [1, 2, 1],
      [2, 2, 1],
      [3, 2, 1],
    ]);
  });

  test('a zero that loses its sign is another bit', async () => {
    const npu = new Repeater((logits, { run }) => logits.fill(run === 1 ? 0 : -0));
    expect((await repeat(npu)).identical).toBe(false);
  });

  test('the same NaN each time is the same', async () => {
    const npu = new Repeater(logits => logits.fill(Number.NaN));
    expect((await repeat(npu)).identical).toBe(true);
  });

  test.each([
    ['fewer', (logits: Float32Array) => logits.subarray(1)],
    ['more', (logits: Float32Array) => Float32Array.of(...logits, 1)],
  ])('%s logits than before are not the same, nor the end of it', async (_, change) => {
    const npu = new Repeater((logits, { run, position }) =>
      run === 2 && position === 3 ? change(logits) : logits,
    );
    const found = await repeat(npu, { repeats: 3 });
    expect(found).toMatchObject({ repeats: 3, identical: false });
    expect(new Set(found.unstable.map(({ run }) => run))).toEqual(new Set([2]));
  });

  test('too many logits each time are the same each time', async () => {
    const npu = new Repeater(logits => Float32Array.of(...logits, 1));
    expect((await repeat(npu)).identical).toBe(true);
  });

  test('lists a hundred outputs at most, and counts positions once', async () => {
    const npu = new Repeater((logits, { run }) => (run > 1 ? flipBit(logits, 0) : logits));
    const found = await repeat(npu, { repeats: 40 });
    expect(found.unstable).toHaveLength(100);
    expect(found.unstablePositions).toBe(TEXT.tokens.length);
  });
});

describe('a soak', () => {
  test('runs until its time is over', async () => {
    const npu = new Repeater(countingClock().secondPerRun());
    expect(await repeat(npu, { soakMs: 7_500 })).toMatchObject({ repeats: 8, seconds: 8 });
  });

  test('shares its time among the texts', async () => {
    const npu = new Repeater(countingClock().secondPerRun());
    const texts = [TEXT, { ...TEXT, number: 4 }];
    const done: string[] = [];
    const onRun: RepeatOptions['onRun'] = ({ number }, ms) => done.push(`${number} ${ms}`);
    const announced: number[] = [];
    const onText: RepeatOptions['onText'] = (_, total) => announced.push(total);
    const found = await repeat(npu, { texts, soakMs: 6000, onRun, onText });
    expect(done).toEqual(['3 1000', '3 2000', '3 3000', '4 1000', '4 2000', '4 3000']);
    expect(announced).toEqual([3000, 3000]);
    expect(found.repeats).toBe(3);
  });

  test('shorter than two runs takes two all the same', async () => {
    const npu = new Repeater(countingClock().secondPerRun());
    expect(await repeat(npu, { soakMs: 1 })).toMatchObject({ repeats: 2 });
  });

  test('finds what only its last run does', async () => {
    const tick = countingClock().secondPerRun();
    const npu = new Repeater((logits, at) => {
      tick(logits, at);
      return at.run === 50 && at.position === 0 ? flipBit(logits, 2) : logits;
    });
    const { unstable } = await repeat(npu, { soakMs: 50_000 });
    expect(unstable).toMatchObject([{ run: 50, position: 0, firstToken: 2 }]);
  });
});

describe('ends', () => {
  test('a signal ends it between two calls, with its reason, the session closed', async () => {
    const controller = new AbortController();
    const npu = new Repeater((logits, { run, position }) => {
      if (run === 2 && position === 2) controller.abort(new Error('enough'));
      return logits;
    });
    await expect(repeat(npu, { repeats: 9, signal: controller.signal })).rejects.toThrow('enough');
    expect(npu.calls.at(-1)).toBe('2: 3 at 0');
    expect(npu.openSessions).toBe(0);
  });

  test('an error of the device is the error, the session closed', async () => {
    const npu = new Repeater(() => {
      throw new Error('SUBMIT refused');
    });
    await expect(repeat(npu)).rejects.toThrow('SUBMIT refused');
    expect(npu.openSessions).toBe(0);
  });
});
