import type { Anatomy } from './mutate.js';

/** A file to mutate. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly anatomy: Anatomy;
}

/** A reader of files that somebody sent. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly subjects: readonly Subject[];
  /**
   * Reads a file to its end and does with it what its users do. It may refuse it with an error of the kinds that `refuses`
   * knows; anything else is a finding.
   */
  read(path: string): Promise<void>;
  /** Whether an error is how this reader refuses a file. */
  refuses(error: unknown): boolean;
}
