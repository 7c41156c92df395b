import { showText } from '../text/index.js';
import type {
  Comparison,
  Failure,
  Finding,
  Fork,
  PositionReport,
  PromptReport,
  VerifyReport,
} from './schema.js';
import type { Yardstick } from './summary.js';

/** What every report says alike: figures, tokens, reasons. None of it can disturb a terminal. */

/** The yardsticks as they are called in sentences. */
export const YARDSTICK_NAMES: Readonly<Record<Yardstick, string>> = { fp32: 'FP32', fp16: 'FP16-aware' };

/** Text of a file or a device without quotes: everything that does not print is an escape. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, character =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Two significant digits: 3.1e-6, 0.0012; what is not finite by its name. */
export function figureText(value: number | string): string {
  const number = Number(value);
  if (!Number.isFinite(number)) return String(number);
  const size = Math.abs(number);
  return number === 0 || (size >= 1e-3 && size < 1e6)
    ? String(Number(number.toPrecision(2)))
    : number.toExponential(1);
}

/** A single value, five significant digits. */
export function valueText(value: number | string): string {
  const number = Number(value);
  return Number.isFinite(number) ? String(Number(number.toPrecision(5))) : String(number);
}

/** A figure beyond a tolerance, with as many digits as tell the two apart. */
function excessText(got: number, tolerance: number): string {
  for (let digits = 3; digits < 8 && Number(got.toPrecision(digits - 1)) <= tolerance; digits++) {
    if (Number(got.toPrecision(digits)) > tolerance) return toleranceText(got, digits);
  }
  return figureText(got);
}

/** A tolerance as it is written, four digits of it at most: 0.03, 1.907e-6. */
export function toleranceText(value: number, digits = 4): string {
  const short = Number(value.toPrecision(digits));
  return short !== 0 && Math.abs(short) < 1e-3 ? short.toExponential() : String(short);
}

/** With a capital, unless it begins with the name of a place, a file or a board (`board-a: ...`), and a full stop. */
export function sentence(text: string): string {
  const named = /^(?:\S*[._/]\S|\S+(?: #\d+)?: )/.test(text);
  const begun = named ? text : text.replace(/^\p{Ll}/u, letter => letter.toUpperCase());
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** A logit or a difference of two: four decimals as long as they say something. */
export function logitText(value: number): string {
  return Math.abs(value) >= 1e6 ? value.toExponential(4) : value.toFixed(4);
}

/** `1 prompt`, `2 prompts`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `" dog" (3329)`, or `token 3329` where there is no text for it. */
export function tokenText(token: number, pieces: PromptReport['pieces']): string {
  const piece = pieces[token];
  return piece === undefined ? `token ${token}` : `${showText(piece)} (${token})`;
}

/** Why something fails, with its tolerance. */
export function failureText(failure: Failure, pieces: PromptReport['pieces'] = {}): string {
  switch (failure.kind) {
    case 'length':
      return `the NPU gave ${failure.got} logits, wanted ${failure.wanted}`;
    case 'notFinite':
      return `NPU logits are not finite: first ${failure.value} at token ${failure.token}, ${failure.count} in all`;
    case 'token':
      return (
        `to the ${YARDSTICK_NAMES[failure.yardstick]} reference the NPU's is worse by ${logitText(failure.got)}, ` +
        `tolerance ${logitText(failure.tolerance)}`
      );
    case 'positionRms':
    case 'meanRms':
      return (
        `${failure.kind === 'meanRms' ? 'mean ' : ''}RMS error ${excessText(failure.got, failure.tolerance)} of the spread ` +
        `against ${YARDSTICK_NAMES[failure.yardstick]}, tolerance ${toleranceText(failure.tolerance)}`
      );
    case 'klDivergence':
      return `KL ${excessText(failure.got, failure.tolerance)} nats against ${YARDSTICK_NAMES[failure.yardstick]}, tolerance ${toleranceText(failure.tolerance)}`;
    case 'audit':
      return `${counted(failure.wrongPlaces, 'product or step', 'products or steps')} wrong, first ${printable(failure.first)}`;
    case 'refused':
      return `refused: ${printable(failure.message)}`;
    case 'sampler':
      return (
        `the NPU drew ${tokenText(failure.got, pieces)}, but from its own logits, with the same coin, ` +
        `it is ${tokenText(failure.wanted, pieces)}`
      );
    case 'unstable':
      return `run ${failure.run} gave ${counted(failure.outputs, 'other logit')} for the same tokens`;
  }
}

/** The comparison that a position is shown by: that of the yardstick which finds it wrong, else the FP32 one. */
export function shownComparison(position: PositionReport): Comparison | undefined {
  const reasons = [...position.failures, ...position.accuracy];
  const failing = reasons.find(({ kind }) => kind === 'token') ?? reasons[0];
  const yardstick = failing !== undefined && 'yardstick' in failing ? failing.yardstick : 'fp32';
  return position[yardstick] ?? position.fp32 ?? position.fp16;
}

/** What both sides chose: `NPU " sat" (310) at 8.9012, reference " ran" (413) at 8.8457`. */
export function choicesText(position: PositionReport, pieces: PromptReport['pieces']): string {
  const comparison = shownComparison(position);
  if (comparison === undefined) return `reference ${tokenText(position.referenceToken, pieces)}`;
  return (
    `NPU ${tokenText(comparison.npuToken, pieces)} at ${logitText(comparison.npuBest)}, ` +
    `reference ${tokenText(comparison.referenceToken, pieces)} at ${logitText(comparison.referenceBest)}`
  );
}

/** A position and everything that is wrong with it. */
export function positionText(position: PositionReport, pieces: PromptReport['pieces']): string {
  const why = [...position.failures, ...position.accuracy].map(one => failureText(one, pieces)).join('; ');
  const after = `position ${position.position}, after ${tokenText(position.token, pieces)}`;
  return `${after}: ${choicesText(position, pieces)}: ${why}`;
}

/** Where two ways part, with both candidates and how sure each side is of its own. */
export function forkText(fork: Fork, pieces: PromptReport['pieces']): string {
  return (
    `fork at position ${fork.position}: reference ${tokenText(fork.reference.token, pieces)} at ` +
    `${logitText(fork.reference.logit)}, ${marginText(fork.referenceMargin)}; ` +
    `NPU ${tokenText(fork.npu.token, pieces)} at ${logitText(fork.npu.logit)}, ${marginText(fork.npuMargin)}`
  );
}

/** A side's preference for its own candidate: what was drawn may be the worse one. */
export function marginText(margin: number): string {
  return `${margin < 0 ? 'worse' : 'better'} by ${logitText(Math.abs(margin))}`;
}

/** How much of a place is wrong: `16 of 288 outputs wrong`; nothing where it is wrong as a whole, as by its checksum. */
export function wrongText({ what, wrong, of }: Finding): string | undefined {
  if (what === 'weights' && of === 1) return undefined;
  const things = what === 'weights' ? 'weights' : what === 'step' ? 'results' : 'outputs';
  return `${wrong} of ${of} ${things} wrong`;
}

/** `output 31 at position 4: got -0.5, wanted 0.25, tolerance 1.2e-5`; of weights the row that one is in. */
export function exampleText({ what, example }: Finding): string | undefined {
  if (example === undefined) return undefined;
  const { output, got, wanted, tolerance, position } = example;
  const values = `got ${valueText(got)}, wanted ${valueText(wanted)}`;
  if (what === 'weights') return `a weight of row ${output}: ${values}`;
  const at = position === undefined ? '' : ` at position ${position}`;
  return `output ${output}${at}: ${values}, tolerance ${figureText(tolerance)}`;
}

/** A run's name among the runs: its host, numbered where another has the same. */
export function runLabel(report: VerifyReport, run: number): string {
  const host = report.runs[run]?.machine.host ?? `run ${run + 1}`;
  const alike = report.runs.filter(({ machine }) => machine.host === host).length;
  return alike > 1 ? `${printable(host)} #${run + 1}` : printable(host);
}

/** `rows 0-15, 48`: ranges whose last row is within. */
export function rangesText(ranges: readonly (readonly [number, number])[]): string {
  const texts = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
  const one = ranges.length === 1 && ranges[0]![0] === ranges[0]![1];
  return `${one ? 'row' : 'rows'} ${texts.join(', ')}`;
}
