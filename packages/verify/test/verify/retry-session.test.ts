import { describe, expect, test } from '@jest/globals';
import { retryTimeouts } from '../../src/verify/index.js';
import { FakeTimeOut } from '../support/fake-npu.js';

/** A session that says of each call what the list says, and what happened in which order. */
function sessionOf(answers: readonly (Error | number)[]) {
  const log: string[] = [];
  let calls = 0;
  const session = retryTimeouts(
    {
      reset: async () => {
        log.push('reset');
      },
    },
    {
      forward: async (tokens, firstPosition) => {
        log.push(`forward ${tokens.join(' ')} at ${firstPosition}`);
        const answer = answers[calls++]!;
        if (typeof answer === 'number') return Float32Array.of(answer);
        throw answer;
      },
      close: async () => {
        log.push('close');
      },
    },
    ({ what, error }) => log.push(`retry at ${what}: ${error.message}`),
  );
  return { session, log };
}

const timeOut = (text: string): Error => new FakeTimeOut(text);

describe('retryTimeouts', () => {
  test('does nothing where nothing fails', async () => {
    const { session, log } = sessionOf([7, 8]);
    expect(await session.forward([1, 2], 0)).toEqual(Float32Array.of(7));
    expect(await session.forward([3], 2)).toEqual(Float32Array.of(8));
    await session.close();
    expect(log).toEqual(['forward 1 2 at 0', 'forward 3 at 2', 'close']);
  });

  test('resets the device, tells, and runs the same tokens again', async () => {
    const { session, log } = sessionOf([7, timeOut('job 5'), 8]);
    await session.forward([1], 0);
    expect(await session.forward([3, 4], 1)).toEqual(Float32Array.of(8));
    expect(log).toEqual([
      'forward 1 at 0',
      'forward 3 4 at 1',
      'reset',
      'retry at position 1: job 5',
      'forward 3 4 at 1',
    ]);
  });

  test('a second time-out of the same tokens is the error', async () => {
    const { session, log } = sessionOf([timeOut('first'), timeOut('second'), 9]);
    await expect(session.forward([1], 0)).rejects.toThrow('second');
    expect(log.filter(line => line === 'reset')).toHaveLength(1);
    expect(log.filter(line => line.startsWith('forward'))).toHaveLength(2);
  });

  test('each call may time out once', async () => {
    const { session, log } = sessionOf([timeOut('a'), 1, timeOut('b'), 2]);
    await session.forward([1], 0);
    expect(await session.forward([1], 1)).toEqual(Float32Array.of(2));
    expect(log.filter(line => line.startsWith('retry'))).toEqual([
      'retry at position 0: a',
      'retry at position 1: b',
    ]);
  });

  test('any other error is not tried again', async () => {
    const { session, log } = sessionOf([new Error('SUBMIT refused'), 1]);
    await expect(session.forward([1], 0)).rejects.toThrow('SUBMIT refused');
    expect(log).toEqual(['forward 1 at 0']);
  });

  test('a device that cannot be reset is the error', async () => {
    const failing = retryTimeouts(
      { reset: () => Promise.reject(new Error('no reset')) },
      { forward: () => Promise.reject(timeOut('job')), close: async () => {} },
      () => {
        throw new Error('told of a retry that there was not');
      },
    );
    await expect(failing.forward([1], 0)).rejects.toThrow('no reset');
  });
});
