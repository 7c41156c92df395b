import { describe, expect, test } from '@jest/globals';
import { FileError, fileErrorFrom, ToolkitError, UsageError } from '@npu-llama/format';
import { SimulatorBuildError } from '@npu-llama/simulator';
import { KernelError } from '../../src/driver/kernel.js';
import { DeviceError, ModelLimitError, NumericError } from '../../src/errors.js';
import { decodeError, encodeError } from '../../src/worker/error-codec.js';

/** As it arrives in another thread. */
const sent = (thrown: unknown): unknown => decodeError(structuredClone(encodeError(thrown)));
const FACTS = { got: 'a', wanted: 'b', next: 'do c', cause: new KernelError('RKNPU_SUBMIT', 110) } as const;

const ERRORS: readonly Error[] = [
  new UsageError('no such thing', FACTS),
  new FileError('/some/file', 'is damaged', FACTS),
  new DeviceError('a job failed', FACTS),
  new DeviceError('a job timed out', { ...FACTS, timedOut: true }),
  new ModelLimitError('too wide', FACTS),
  new NumericError('beyond FP16'),
  new KernelError('RKNPU_MEM_CREATE', 12, 3),
  new SimulatorBuildError('no compiler'),
  new RangeError('Invalid typed array length: -1'),
  new TypeError('tokens is not iterable'),
  new Error('a plain one'),
];

describe('an error from another thread', () => {
  test.each(ERRORS.map(error => [error.constructor.name, error] as const))(
    '%s keeps its class, message, facts, stack and cause',
    (_, error) => {
      const got = sent(error) as Error;
      expect(Object.getPrototypeOf(got)).toBe(Object.getPrototypeOf(error));
      expect(got).toBeInstanceOf(Error);
      expect([got.name, got.message, got.stack, String(got)]).toEqual([
        error.name,
        error.message,
        error.stack,
        String(error),
      ]);
      expect({ ...got }).toEqual({ ...error });
      expect(Object.keys(got).sort()).toEqual(Object.keys(error).sort());
      if (error instanceof ToolkitError && error.cause !== undefined) {
        expect(got.cause).toBeInstanceOf(KernelError);
        expect(got.cause).toMatchObject({ errno: 'ETIMEDOUT', call: 'RKNPU_SUBMIT' });
      } else {
        expect('cause' in got).toBe(false);
      }
    },
  );

  test('keeps what a caller asks of it', () => {
    expect(sent(ERRORS[1])).toMatchObject({ path: '/some/file', exitStatus: 2, next: 'do c' });
    expect(sent(ERRORS[3])).toMatchObject({ timedOut: true, exitStatus: 3 });
    expect(sent(ERRORS[5])).toMatchObject({ exitStatus: 1 });
  });

  test("keeps the code and path of one of node's, as the cause of a FileError", () => {
    const node = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', errno: -2, path: '/x' });
    const got = sent(fileErrorFrom(node, '/x', 'open')) as FileError;
    expect(got.cause).toMatchObject({ code: 'ENOENT', errno: -2, path: '/x', message: node.message });
  });

  test('of a class that is not known is a plain one under its name', () => {
    class Odd extends Error {
      override name = 'Odd';
    }
    const got = sent(new Odd('strange')) as Error;
    expect(Object.getPrototypeOf(got)).toBe(Error.prototype);
    expect(String(got)).toBe('Odd: strange');
  });

  test.each(['a string', 7, undefined, null])('may be %p, which is none', thrown => {
    expect(sent(thrown)).toBe(thrown);
  });

  test('whose causes go round in a circle ends', () => {
    const error = new Error('round');
    error.cause = error;
    expect(sent(error)).toMatchObject({ message: 'round', cause: { message: 'round' } });
  });
});
