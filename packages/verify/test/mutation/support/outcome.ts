import type { Failure, Finding, VerifyReport } from '../../../src/report/index.js';
import type { Run } from './run.js';

/** What became of a fault, in words that do not depend on the machine. */
export interface Outcome {
  readonly status: number;
  /** What caught it: `audit`, `logits`, `sweep`. */
  readonly by: readonly string[];
  /** In the order of the data flow. */
  readonly findings: readonly Finding[];
  /** What the findings mean. */
  readonly conclusions: readonly string[];
  /** Why there is no verdict, or only half of one. */
  readonly error?: string;
  /** How far the logits are off at the worst position. */
  readonly effect: string;
}

export function outcomeOf({ status, report, error }: Run): Outcome {
  const diagnoses = report?.diagnoses ?? [];
  return {
    status,
    by: [...new Set([...caughtByError(status, error), ...(report ? caughtBy(report) : [])])],
    findings: diagnoses.flatMap(({ findings }) => findings),
    conclusions: diagnoses.flatMap(({ conclusions }) => conclusions),
    ...(error !== undefined && { error }),
    effect: report === undefined ? '' : effectOf(report),
  };
}

function caughtByError(status: number, error: string | undefined): string[] {
  if (error === undefined) return [];
  if (status === 1) return ['start-up check'];
  if (status === 3) return ['device error'];
  if (/was not made|is of another|record/.test(error)) return ['identity'];
  return [/crc32/.test(error) ? 'checksum' : 'file check'];
}

/** Of each kind of failure, in the order in which they are told. Which figure of the logits it is may hang on a last bit. */
const KINDS: Readonly<Record<Failure['kind'], string>> = {
  token: 'logits',
  positionRms: 'logits',
  meanRms: 'logits',
  klDivergence: 'logits',
  length: 'length',
  notFinite: 'not finite',
  audit: 'audit',
  refused: 'refusal',
  sampler: 'sampler',
  unstable: 'repeat',
};

function caughtBy({ prompts, diagnoses, stability, notes }: VerifyReport): string[] {
  const failures = prompts.flatMap(prompt => [
    ...prompt.failures,
    ...prompt.positions.flatMap(position => position.failures),
  ]);
  const kinds = new Set(failures.map(({ kind }) => KINDS[kind]));
  const swept = diagnoses.some(({ prompt, findings }) => prompt === undefined && findings.length > 0);
  return [
    ...new Set(Object.values(KINDS).filter(kind => kinds.has(kind))),
    ...(swept ? ['sweep'] : []),
    ...(stability.some(({ identical }) => !identical) ? ['repeat'] : []),
    ...(notes.some(({ kind }) => kind === 'timeoutRetried') ? ['retry'] : []),
  ];
}

/** In powers of ten: the last bits differ from one machine to another. */
function effectOf({ prompts }: VerifyReport): string {
  const errors = prompts.flatMap(({ positions }) => positions.map(({ fp16 }) => fp16?.relativeRms ?? 0));
  const worst = Math.max(0, ...errors);
  if (worst < 0.001) return 'below 0.001';
  if (worst < 0.01) return '0.001 to 0.01';
  return worst < 0.1 ? '0.01 to 0.1' : 'above 0.1';
}
