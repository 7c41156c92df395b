import { beforeEach, expect, jest, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { DeviceError } from '../../src/errors.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { cleanLife } from './support/clean-life.js';
import { ADVICE, ERRNOS, GONE, INTERRUPTIONS, isMended, MESSAGES } from './support/expected.js';
import { live, PHASES, type Phase, placesOf } from './support/life.js';
import { CALL_KINDS, type CallKind } from './support/recording-kernel.js';

/*
 * Every call of the driver layer in a whole life of a model fails once, at each place, with everything it can fail with.
 * The places are those of a clean life, counted. With ffi-napi at the first of each phase: an adapter has no part in where a call is made.
 */

/** What is left when closing is done, by the call that failed: what cannot be unmapped stays mapped; close() frees the rest. */
const LEFT: Partial<Record<CallKind, Partial<typeof NOTHING | Record<string, bigint>>>> = {
  munmap: { liveMappings: 1n },
  destroy: { leakedBuffers: 1n },
};

const ROWS = PHASES.flatMap(phase =>
  CALL_KINDS.flatMap(kind => (MESSAGES[phase][kind] === undefined ? [] : [[phase, kind] as const])),
);

describeDevice('when a call of the driver layer fails', () => {
  const made = cleanLife();
  beforeEach(() => simulate());

  const places = (phase: Phase, kind: CallKind): number[] => placesOf(made.clean, phase, kind);

  /** A life with a plan in force, and what it left behind. */
  const liveWith = async (plan: string) => {
    simulate(plan);
    const life = await live(made.model);
    const { faultsInjected } = simulatorStats();
    return { life, faultsInjected, left: life.left };
  };

  test('a clean life makes each call that the table knows, and no other', () => {
    expect(made.clean).toMatchObject({
      failure: undefined,
      closingErrors: [],
      text: expect.stringMatching(/^\d+ \d+: /),
    });
    const calls = new Set(made.clean.calls.map(({ phase, kind }) => `${phase}: ${kind}`));
    expect([...calls].sort()).toEqual(ROWS.map(([phase, kind]) => `${phase}: ${kind}`).sort());
  });

  const faults = ROWS.flatMap(([phase, kind]) => ERRNOS[kind].map(errno => [kind, phase, errno] as const));
  test.each(faults)(
    '%s, while it is to %s, with %s: says so, frees everything, goes on after a reset',
    async (kind, phase, errno) => {
      const name = errno === 'timeout' ? 'ETIMEDOUT' : errno;
      for (const nth of places(phase, kind)) {
        const { life, faultsInjected, left } = await liveWith(`${kind}@${nth}=${errno}`);
        const at = `${kind}@${nth}=${errno}`;
        const seen =
          phase === 'close' ? life.closingErrors : life.failure === undefined ? [] : [life.failure.error];
        if (isMended(phase, kind, errno)) {
          expect({ at, seen }).toEqual({ at, seen: [] });
        } else {
          expect({ at, seen }).toEqual({ at, seen: [expect.any(DeviceError)] });
          const error = seen[0] as DeviceError;
          expect(error.message).toMatch(new RegExp(`^${MESSAGES[phase][kind]}`));
          expect(error).toMatchObject({ exitStatus: 3, cause: { errno: name } });
          const advice = name === 'ENODEV' ? GONE : ADVICE[kind];
          if (advice !== undefined) expect(error.next).toBe(advice);
          if (phase !== 'close') expect({ at, phase: life.failure?.phase }).toEqual({ at, phase });
        }
        if (phase !== 'close') expect({ at, closing: life.closingErrors }).toEqual({ at, closing: [] });
        expect({ at, faultsInjected, left }).toEqual({
          at,
          faultsInjected: 1n,
          left: { ...NOTHING, ...LEFT[kind] },
        });
        if (phase === 'prompt' || phase === 'tokens') {
          const refusal = kind === 'submit' ? expect.any(DeviceError) : undefined;
          expect({ at, refusal: life.refusal }).toEqual({ at, refusal });
        }
        const lived = phase === 'open' || phase === 'load' ? isMended(phase, kind, errno) : true;
        expect({ at, text: life.text }).toEqual({ at, text: lived ? made.clean.text : undefined });
      }
      // Nothing of it is left in the device either.
      expect((await liveWith('')).life.text).toBe(made.clean.text);
    },
  );

  test.each(ROWS.flatMap(([phase, kind]) => INTERRUPTIONS[kind].map(errno => [kind, phase, errno] as const)))(
    '%s, while it is to %s, is made again after %s, five times on end, as if nothing had been',
    async (kind, phase, errno) => {
      for (const nth of places(phase, kind)) {
        const isClose = kind === 'close';
        const { life, faultsInjected, left } = await liveWith(`${kind}@${nth}-${nth + 4}=${errno}`);
        expect(life).toEqual({ ...made.clean, calls: life.calls });
        expect(life.calls).toEqual(made.clean.calls);
        expect({ nth, faultsInjected, left }).toEqual({
          nth,
          faultsInjected: isClose ? 1n : 5n,
          left: NOTHING,
        });
      }
    },
  );

  test.each(['EINTR', 'EAGAIN'])('%s for ever is given up, and says how often it was tried', async errno => {
    // Every look at the clock takes a second.
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    const { life, left } = await liveWith(`submit@4-=${errno}`);
    clock.mockRestore();
    expect(life.failure?.error).toBeInstanceOf(DeviceError);
    expect(life.failure?.error).toMatchObject({
      message: expect.stringMatching(
        `^RKNPU_SUBMIT failed: .* \\(${errno}, 11 times on end\\): layers\\.0\\.\\w+ with \\d+ rows?, `,
      ),
    });
    expect(life.resetFailure).toBeUndefined();
    expect(left).toEqual(NOTHING);
  });

  test('the first failure is told, not those of freeing what came before it', async () => {
    for (const nth of places('load', 'alloc')) {
      simulate(`alloc@${nth}=ENOMEM,destroy@6-=EIO`);
      const life = await live(made.model);
      expect(life.failure?.error).toMatchObject({ message: expect.stringMatching(/\(ENOMEM\)/) });
      expect(life.closingErrors).toEqual([]);
      expect(leftBehind()).toMatchObject({ openFiles: 0n, liveBuffers: 0n, liveMappings: 0n });
    }
  });

  test('every call to give memory back fails: the rest is given back, and closing twice tells once', async () => {
    const { life, left } = await liveWith(`destroy@6-=EIO,close@1=EIO`);
    expect(life.text).toBe(made.clean.text);
    expect(life.closingErrors.map(error => (error as Error).message)).toEqual([
      expect.stringMatching(/^cannot free weights of layers\.0\.wqkv: /),
      expect.stringMatching(/^cannot close the device: /),
    ]);
    expect(left).toMatchObject({ openFiles: 0n, liveBuffers: 0n, liveMappings: 0n });
  });
});
