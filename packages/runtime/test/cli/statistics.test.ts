import { describe, expect, jest, test } from '@jest/globals';
import { formatStatistics, RunClock } from '../../src/cli/statistics.js';
import { fakeModel } from './support/fake-model.js';

/** Runs `steps` with a clock whose time they move. */
function clocked(steps: (clock: RunClock, pass: (ms: number, submits?: number) => void) => void) {
  let now = 1000;
  const spy = jest.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const model = fakeModel();
    const clock = new RunClock(model, 25);
    steps(clock, (ms, submits = 0) => {
      now += ms;
      const { counted } = model;
      counted.submits += submits;
      counted.deviceMs += submits;
      counted.bytesToDevice += 100 * submits;
      counted.bytesFromDevice += 10 * submits;
    });
    return clock.statistics();
  } finally {
    spy.mockRestore();
  }
}

describe('a run', () => {
  test('counts tokens behind the first drawn one, over the time since it', () => {
    const statistics = clocked((clock, pass) => {
      clock.prompted(7);
      pass(100, 17);
      clock.drew();
      pass(20, 4);
      clock.drew();
      pass(40, 8);
      clock.drew();
      pass(1000);
    });
    expect(statistics).toEqual({
      device: 'simulated RK3588 NPU, no driver, 3 cores, 1 row a job',
      ffi: 'koffi',
      dmaBytes: 3 * 2 ** 20,
      loadMs: 25,
      promptTokens: 7,
      promptMs: 100,
      generatedTokens: 3,
      tokensPerSecond: 2000 / 60,
      deviceMsPerToken: 6,
      hostMsPerToken: 24,
      submitsPerToken: 6,
      bytesCopiedPerToken: 660,
      submits: 29,
    });
  });

  test('does not count the time in which a chat waits for its user', () => {
    const statistics = clocked((clock, pass) => {
      for (let turn = 0; turn < 2; turn++) {
        pass(60_000);
        clock.prompted(5);
        pass(50, 17);
        clock.drew();
        pass(10, 2);
        clock.drew();
      }
    });
    expect(statistics).toMatchObject({
      promptTokens: 10,
      promptMs: 100,
      generatedTokens: 4,
      tokensPerSecond: 100,
      deviceMsPerToken: 2,
      hostMsPerToken: 8,
    });
  });

  test.each([0, 1])('with %d drawn tokens has no speed, and says what the prompt took', drawn => {
    const statistics = clocked((clock, pass) => {
      clock.prompted(3);
      pass(30, 17);
      for (let i = 0; i < drawn; i++) clock.drew();
    });
    expect(statistics).toMatchObject({ promptMs: 30, generatedTokens: drawn, tokensPerSecond: null });
    expect(JSON.parse(JSON.stringify(statistics))).toEqual(statistics);
    expect(formatStatistics(statistics)).toContain(`generated    ${drawn} tokens, - tok/s`);
  });
});
