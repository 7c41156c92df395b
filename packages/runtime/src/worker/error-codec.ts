import { types } from 'node:util';
import { FileError, UsageError } from '@npu-llama/format';
import { SimulatorBuildError } from '@npu-llama/simulator';
import { KernelError } from '../driver/kernel.js';
import { DeviceError, ModelLimitError, NumericError } from '../errors.js';

/** Classes that an error keeps on its way from one thread to another. A structured clone makes plain Errors of ours. */
const CLASSES = [
  UsageError,
  FileError,
  DeviceError,
  ModelLimitError,
  NumericError,
  KernelError,
  SimulatorBuildError,
  RangeError,
  TypeError,
] as const;

type Primitive = string | number | boolean | bigint | null | undefined;

/** What was thrown, as a message can carry it. */
export type EncodedError =
  | { readonly thrown: Primitive }
  | {
      /** Index into the classes, -1 for any other: a plain Error then, under the name it had. */
      readonly class: number;
      readonly message: string;
      readonly stack: string | undefined;
      /** What else it holds of its own: next, path, timedOut, errno, code, ... */
      readonly facts: readonly (readonly [name: string, value: Primitive])[];
      /** `cause`, and what else of an error's is an error. */
      readonly errors: readonly (readonly [name: string, error: EncodedError])[];
    };

/** Causes of causes; more is a cycle. */
const DEEPEST = 16;

/** What is neither a primitive nor an error is left out: nothing of ours holds such. */
export function encodeError(thrown: unknown, depth = 0): EncodedError {
  if (!types.isNativeError(thrown)) return { thrown: isPrimitive(thrown) ? thrown : String(thrown) };
  const facts: [string, Primitive][] = [];
  const errors: [string, EncodedError][] = [];
  for (const name of Object.getOwnPropertyNames(thrown)) {
    if (name === 'message' || name === 'stack') continue;
    const value: unknown = Reflect.get(thrown, name);
    if (isPrimitive(value)) facts.push([name, value]);
    else if (types.isNativeError(value) && depth < DEEPEST)
      errors.push([name, encodeError(value, depth + 1)]);
  }
  const { message, stack } = thrown;
  const index = CLASSES.findIndex(known => Object.getPrototypeOf(thrown) === known.prototype);
  // Its class would have told it, but a plain Error arrives.
  if (index === -1 && !Object.hasOwn(thrown, 'name')) facts.push(['name', thrown.name]);
  return { class: index, message, stack, facts, errors };
}

/** The error again: of its class, with its message, its stack in the other thread, its facts and its cause. */
export function decodeError(encoded: EncodedError): unknown {
  if ('thrown' in encoded) return encoded.thrown;
  const { message, stack, facts, errors } = encoded;
  const error = new Error(message);
  // Not by its constructor, which would put the message together anew.
  const known = CLASSES[encoded.class];
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  const put = (name: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
  };
  put('stack', stack, false);
  for (const [name, value] of facts) put(name, value, name !== 'name' || known !== undefined);
  for (const [name, inner] of errors) put(name, decodeError(inner), name !== 'cause');
  return error;
}

function isPrimitive(value: unknown): value is Primitive {
  return value === null || !['object', 'function', 'symbol'].includes(typeof value);
}
