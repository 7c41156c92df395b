import type { Stopwatch } from './stopwatch.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Methods that a stopwatch times while this is open; closing it puts them back as they were. */
export class TimedMethods implements Disposable {
  readonly #restore: (() => void)[] = [];

  constructor(private readonly stopwatch: Stopwatch) {}

  /**
   * Times methods of an object or a prototype.
   * @param stages the stage that each belongs to, by the method's name
   * @throws RangeError for a name that is no method there
   */
  add(owner: object, stages: Readonly<Record<string, string>>): this {
    const { stopwatch } = this;
    for (const [name, stage] of Object.entries(stages)) {
      const original = Object.getOwnPropertyDescriptor(owner, name);
      if (original === undefined || typeof original.value !== 'function')
        throw new RangeError(`${name} is no method`);
      const method = original.value as Method;
      const timed: Method = function (...args) {
        return stopwatch.time(stage, () => method.apply(this, args));
      };
      Object.defineProperty(owner, name, { ...original, value: timed });
      this.#restore.push(() => Object.defineProperty(owner, name, original));
    }
    return this;
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore.reverse()) restore();
  }
}

/** Names of an object's or a prototype's own methods. */
export function methodNames(owner: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(owner)).flatMap(([name, { value }]) =>
    name !== 'constructor' && typeof value === 'function' ? [name] : [],
  );
}
