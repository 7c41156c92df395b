import { ToolkitError } from '@npu-llama/format';
import { KernelError } from '../driver/kernel.js';
import type { DoctorContext } from './context.js';

/**
 * ok; warning: works, but look at it; problem: keeps the NPU from being used, or used right; skipped: could not be looked
 * into, and `detail` says why.
 */
export type CheckStatus = 'ok' | 'warning' | 'problem' | 'skipped';

/** What a check found. */
export interface Finding {
  readonly status: CheckStatus;
  /** One line. */
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
  /** The same for programs, with units in the names. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Headings, in the order of the checks. */
type Section = 'This machine' | 'Driver' | 'Memory' | 'NPU';

/** One line of npu-doctor. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly section: Section;
  /** Ids of checks without which this one cannot be made: it is skipped where one of them found a problem. */
  readonly needs?: readonly string[];
  /** An error of ours that is thrown is the problem found. */
  run(context: DoctorContext): Finding | Promise<Finding>;
}

/** A check with what it found. */
export interface CheckResult extends Finding {
  readonly id: string;
  readonly section: Section;
  readonly title: string;
}

export function ok(detail: string, values?: Finding['values']): Finding {
  return { status: 'ok', detail, ...(values && { values }) };
}

export function warning(detail: string, next: string, values?: Finding['values']): Finding {
  return { status: 'warning', detail, next, ...(values && { values }) };
}

export function problem(detail: string, next?: string, values?: Finding['values']): Finding {
  return { status: 'problem', detail, ...(next !== undefined && { next }), ...(values && { values }) };
}

export function skipped(detail: string): Finding {
  return { status: 'skipped', detail };
}

/** What failed first: where giving memory back fails as well, `using` throws that with the first error inside. */
export function firstOf(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error) {
    error = error.suppressed;
  }
  return error;
}

/** @returns undefined for what is not an error of the device, its driver or its files, but a mistake of ours */
export function findingOf(thrown: unknown): Finding | undefined {
  const error = firstOf(thrown);
  if (error instanceof KernelError) return problem(error.message);
  if (!(error instanceof ToolkitError)) return undefined;
  const { message, next } = error;
  return problem(next === undefined ? message : message.slice(0, -`; ${next}`.length), next);
}

/** Whether a call failed because there is no device any more. */
export function isGone(thrown: unknown): boolean {
  const error = firstOf(thrown);
  const cause = error instanceof ToolkitError ? error.cause : error;
  return cause instanceof KernelError && cause.errno === 'ENODEV';
}
