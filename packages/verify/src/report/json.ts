import type { NpuFileDescription } from '@npu-llama/format';
import type { PositionResult, Tolerances } from '../compare/index.js';
import { type PromptResult, promptPassed, type VerifyResult } from '../verify/index.js';
import { type Figures, figuresOf, speedsOf } from './figures.js';

/** Raised when a field changes its meaning or goes; new fields do not raise it. */
export const REPORT_SCHEMA_VERSION = 1;

/** What was compared, and on what. */
export interface ReportSubject {
  readonly device: string;
  readonly model: { readonly path: string; readonly description: NpuFileDescription };
  /** Its layout is in the model's description: they were found to agree. */
  readonly reference: { readonly path: string; readonly sha256: string };
}

/** The document that --json prints; packages/verify/README.md describes every field. */
export interface VerifyReport {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION;
  readonly tool: { readonly name: 'verify-npu'; readonly version: string };
  readonly verdict: 'pass' | 'fail';
  readonly device: { readonly description: string };
  readonly model: {
    readonly path: string;
    readonly source: NpuFileDescription['source'];
    readonly converter: string;
    readonly saturated: number;
    readonly sharedClassifier: boolean;
    readonly config: NpuFileDescription['config'];
  };
  readonly reference: { readonly path: string; readonly sha256: string };
  readonly tolerances: Tolerances;
  readonly tokensPerSecond: { readonly reference: number; readonly npu: number };
  readonly summary: Figures;
  readonly prompts: readonly PromptReport[];
}

export interface PromptReport {
  readonly number: number;
  readonly verdict: 'pass' | 'fail';
  readonly text: string;
  readonly tokens: readonly number[];
  readonly failures: PromptResult['failures'];
  readonly summary: Figures;
  readonly positions: readonly PositionResult[];
}

/** Builds the document. JSON has no NaN and no undefined: what is not there is left out, NaN and infinities are text. */
export function verifyReport(result: VerifyResult, subject: ReportSubject, version: string): VerifyReport {
  const { description, path } = subject.model;
  const { source, converter, saturated, sharedClassifier, config } = description;
  return {
    schemaVersion: REPORT_SCHEMA_VERSION,
    tool: { name: 'verify-npu', version },
    verdict: result.passed ? 'pass' : 'fail',
    device: { description: subject.device },
    model: { path, source, converter, saturated, sharedClassifier, config },
    reference: subject.reference,
    tolerances: result.tolerances,
    tokensPerSecond: speedsOf(result.prompts),
    summary: figuresOf(result.prompts),
    prompts: result.prompts.map(prompt => ({
      number: prompt.prompt.number,
      verdict: promptPassed(prompt) ? 'pass' : 'fail',
      text: prompt.prompt.text,
      tokens: prompt.prompt.tokens,
      failures: prompt.failures,
      summary: figuresOf([prompt]),
      positions: prompt.positions,
    })),
  };
}

/** The document as text, one line. */
export function encodeReport(report: VerifyReport): string {
  return JSON.stringify(report, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}
