import { UsageError } from '../errors.js';

/**
 * Refuses a name to write to that is none: an empty one, and `-`, by which other commands mean standard output.
 * @throws UsageError
 */
export function requireFileName(option: string, path: string | undefined): void {
  if (path === '') throw new UsageError(`${option} names no file`, { got: 'an empty name' });
  if (path !== '-') return;
  throw new UsageError(`${option} - would write a file called "-", not standard output`, {
    next: `for such a file, ${option} ./-`,
  });
}
