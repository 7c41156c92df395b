import type { ModelName } from './models.js';
import type { Outcome } from './outcome.js';

/** One run of verify-npu to be made. */
export interface Trial {
  /** Name of the fault; none for a run without. */
  readonly fault?: string;
  /** Where there is no fault to say so: default tales, and verify. */
  readonly model?: ModelName;
  readonly command?: 'verify' | 'check';
  readonly options: readonly string[];
}

/** What the process that runs trials answers with. */
export type Answer = { readonly outcome: Outcome } | { readonly broken: string };
