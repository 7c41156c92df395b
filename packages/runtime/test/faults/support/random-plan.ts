import { ERRNOS, INTERRUPTIONS } from './expected.js';
import { CALL_KINDS, type CallKind } from './recording-kernel.js';

/** What is done about a failure: faults of these meet others. */
const AFTERWARDS: readonly CallKind[] = ['action', 'submit', 'destroy'];
/** Some faults lie behind the last call of a clean life: one that fails and is mended makes more. */
const BEYOND = 4;

/**
 * Plans of the simulated device with two to four faults: calls of any kind, one or some on end, with whatever they can fail
 * with, and now and then a device that disappears. The seed alone makes them.
 * @param counts how many calls of each kind a life makes
 */
export function* randomPlan(
  seed: number,
  counts: Readonly<Record<CallKind, number>>,
): Generator<string, never> {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 2 ** 31) * limit);
  };
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const fault = (): string => {
    const kind = oneOf(below(3) === 0 ? AFTERWARDS : CALL_KINDS);
    const first = 1 + below(counts[kind] + BEYOND);
    const last = below(4) === 0 ? `-${first + below(6)}` : '';
    return `${kind}@${first}${last}=${oneOf([...ERRNOS[kind], ...INTERRUPTIONS[kind]])}`;
  };
  const gone = (): string => {
    const kind = oneOf(CALL_KINDS);
    return `${kind}@${1 + below(counts[kind])}=gone`;
  };
  for (;;) {
    const faults = Array.from({ length: 2 + below(3) }, fault);
    yield [...faults, ...(below(4) === 0 ? [gone()] : [])].join(',');
  }
}
