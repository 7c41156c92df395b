import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { configure, Device, errnoOf, lastRefusal } from './device.js';
import { Job, type TaskRecord } from './jobs.js';
import { makeProblem, type Problem } from './matrices.js';
import type { Word } from './program.js';

type Change = (job: Job) => void;

/** What is wrong, how a good job becomes so, the rule that refuses it and what the line must say. */
export type Refusal = readonly [name: string, change: Change, rule: string, says: string, options?: Options];

interface Options {
  readonly errno?: string;
  /** The tasks of core 0; one small FP16 matmul when left out. */
  readonly problems?: readonly Problem[];
}

export const FILLER: Word = { unit: 0, register: 0, value: 0 };
export const small = (): Problem => makeProblem('fp32', 4, 64, 32);

/** The word that writes a register gets another value. */
export function set(register: number, value: number | ((job: Job) => number | bigint)): Change {
  return job => {
    job.word(0, register).value = Number(typeof value === 'number' ? value : value(job)) >>> 0;
  };
}

/** The word of an index gets other parts. */
export function word(index: number, parts: Partial<Word>): Change {
  return job => {
    Object.assign(job.words[0]![index]!, parts);
  };
}

export function record(parts: Partial<TaskRecord> | ((job: Job) => Partial<TaskRecord>)): Change {
  return job => {
    Object.assign(job.records[0]!, typeof parts === 'function' ? parts(job) : parts);
  };
}

/** A device for each test, with its cores reset. */
export function useDevice(): { readonly device: Device } {
  const used: { device?: Device } = {};
  beforeEach(() => {
    configure('');
    used.device = new Device();
    used.device.action(6);
  });
  afterEach(() => used.device?.close());
  return used as { device: Device };
}

/** One test a refusal: the errno, the rule, what the line says, and that nothing was written. */
export function refuses(what: string, refusals: readonly Refusal[]): void {
  const used = useDevice();
  describe(`refuses ${what}`, () => {
    test.each(refusals.map(refusal => ({ refusal, name: refusal[0] })))('$name', ({ refusal }) => {
      const [, change, rule, says, options = {}] = refusal;
      const job = new Job(used.device, [options.problems ?? [small()]]);
      change(job);
      expect(errnoOf(() => job.submit())).toBe(options.errno ?? 'EINVAL');
      expect(lastRefusal()).toMatch(new RegExp(`^${rule}: core 0, task `));
      expect(lastRefusal()).toContain(says);
      for (const [i] of job.results.entries()) expect(job.isUntouched(i)).toBe(true);
      job.destroy();
    });
  });
}
