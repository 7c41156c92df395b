import { expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { DeviceError } from '../../src/errors.js';
import { simulate } from '../support/simulator.js';
import { cleanLife } from './support/clean-life.js';
import { GONE } from './support/expected.js';
import { errorsOf, live, PHASES, type Phase, placesOf } from './support/life.js';
import { CALL_KINDS } from './support/recording-kernel.js';

/* The device disappears at each call of a life: every one from there on ends with ENODEV, but those that need no device. */

describeDevice('when the device disappears', () => {
  const made = cleanLife();

  /** Of each call that a clean life makes in a phase: that the device disappears there. */
  const plansOf = (phase: Phase) =>
    CALL_KINDS.flatMap(kind =>
      placesOf(made.clean, phase, kind).map(nth => ({ plan: `${kind}@${nth}=gone`, kind })),
    );

  test.each(PHASES)(
    'at any call while it is to %s, each step says so, reset too, closing is quiet and nothing is left',
    async phase => {
      const plans = plansOf(phase);
      expect(plans).not.toEqual([]);
      for (const { plan, kind } of plans) {
        simulate(plan);
        const life = await live(made.model);
        const told = errorsOf(life).map(error => (error instanceof DeviceError ? error.next : error));
        expect({ plan, told, closing: life.closingErrors }).toEqual({
          plan,
          told: told.map(() => GONE),
          closing: [],
        });
        // The memory that it takes with it is nobody's to free. What is freed when it disappears is found out at the next call.
        const next = phase === 'open' && (kind === 'munmap' || kind === 'destroy') ? 'load' : phase;
        expect({ plan, phase: life.failure?.phase }).toEqual({
          plan,
          phase: phase === 'close' ? undefined : next,
        });
        const hasModel = next === 'prompt' || next === 'tokens';
        expect({ plan, refused: life.refusal !== undefined }).toEqual({ plan, refused: hasModel });
        const isOpen = hasModel || next === 'load';
        expect({ plan, reset: life.resetFailure !== undefined }).toEqual({ plan, reset: isOpen });
        expect({ plan, text: life.text }).toEqual({
          plan,
          text: phase === 'close' ? made.clean.text : undefined,
        });
        expect({ plan, left: life.left }).toMatchObject({
          plan,
          left: { openFiles: 0n, liveBuffers: 0n, liveMappings: 0n },
        });
      }
    },
  );

  test('a job after one that it disappeared at says what failed, and is not submitted; a reset fails as well', async () => {
    const [first] = plansOf('tokens').filter(({ kind }) => kind === 'submit');
    simulate(first!.plan);
    const { failure, refusal, resetFailure } = await live(made.model);
    expect([failure?.error, refusal, resetFailure].map(error => (error as Error).message)).toEqual([
      expect.stringMatching(/^RKNPU_SUBMIT failed: .*\(ENODEV\): layers\.0\.wqkv with 1 row, /),
      expect.stringMatching(/: not submitted, since layers\.0\.wqkv with 1 row failed; /),
      expect.stringMatching(/^cannot reset the device: .*\(ENODEV\); /),
    ]);
  });
});
