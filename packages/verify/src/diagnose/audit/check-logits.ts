import type { SignedFinding } from '../finding.js';
import type { RecordedRow } from '../recorder.js';
import type { StepOutcome } from './check-norm.js';
import { stepFinding } from './step-findings.js';

/** Whether the logits that a session returned are what the classifier gave: copies, so bit by bit. */
export function logitsFinding(
  recorded: readonly RecordedRow[],
  vocabSize: number,
  logits: ((position: number) => Float32Array | undefined) | undefined,
): SignedFinding | undefined {
  const checked = recorded.flatMap(({ position, output }) => {
    const got = logits?.(position);
    if (got === undefined) return [];
    return [{ position, got, outcome: outcomeOf(output.subarray(0, vocabSize), got, position, recorded) }];
  });
  return stepFinding('logits', checked, 0);
}

function outcomeOf(
  output: Float32Array,
  got: Float32Array,
  position: number,
  recorded: readonly RecordedRow[],
): StepOutcome {
  const wrong = differences(output, got);
  const outcome: StepOutcome = {
    wrong,
    worst: wrong.length > 0 ? Infinity : 0,
    wanted: Float64Array.from(output),
    scale: new Float64Array(output.length),
  };
  if (wrong.length === 0) return outcome;
  const other = recorded.find(
    row => row.position !== position && differences(row.output.subarray(0, output.length), got).length === 0,
  );
  const text = other === undefined ? "not the classifier's outputs" : `those of position ${other.position}`;
  return { ...outcome, sign: { key: 'logitsMoved', text } };
}

function differences(wanted: Float32Array, got: Float32Array): number[] {
  const wrong: number[] = [];
  for (let i = 0; i < wanted.length; i++) if (!Object.is(wanted[i], got[i])) wrong.push(i);
  return wrong;
}
