import { showText } from '../text/index.js';
import type { Diagnosis, Finding, MatrixReport, PromptReport, Stability, VerifyReport } from './schema.js';
import type { VerdictOptions } from './summary.js';
import { summaryTable } from './summary-table.js';
import { findingText, verdictReason, verdictWord } from './verdict-words.js';
import {
  counted,
  exampleText,
  failureText,
  figureText,
  forkText,
  positionText,
  printable,
  runLabel,
  YARDSTICK_NAMES,
} from './words.js';

/** Positions of a prompt that get a line; how many more fail is said. */
export const LISTED_POSITIONS = 20;

/**
 * The report for a terminal: what each prompt has to say, matrices that are wrong, diagnoses with their conclusions,
 * stability, notes; the verdict is the last line. Nothing in it can disturb a terminal, whatever a file or a model holds.
 */
export function reportLines(report: VerifyReport): string[] {
  const of = runPrefix(report);
  return [
    ...report.prompts.flatMap(prompt => promptReportLines(prompt, report).map(line => of(prompt.run) + line)),
    ...reportEndLines(report),
  ];
}

/** Of a merged report: the prompts that fail, on the boards where they do. */
export function failedPromptLines(report: VerifyReport): string[] {
  const of = runPrefix(report);
  return report.prompts
    .filter(({ verdict }) => verdict === 'fail')
    .flatMap(prompt => promptReportLines(prompt, report).map(line => of(prompt.run) + line));
}

/** What comes after the prompts, where those were told as they came. */
export function reportEndLines(report: VerifyReport): string[] {
  const of = runPrefix(report);
  return [
    ...report.stability.flatMap(one => stabilityLines(one, report).map(line => of(one.run) + line)),
    ...report.notes.map(({ run, text }) => `${of(run)}note: ${printable(text)}`),
    ...summaryTable(report),
    ...report.matrices
      .filter(({ verdict }) => verdict === 'fail')
      .map(matrix => of(matrix.run) + matrixLine(matrix)),
    ...report.diagnoses.flatMap(diagnosis => diagnosisLines(diagnosis).map(line => of(diagnosis.run) + line)),
    // A single one is the verdict's reason.
    ...(report.runs.length === 1
      ? []
      : report.runs.flatMap(({ error }, run) =>
          error ? [`${of(run)}error: ${printable(error.message)}`] : [],
        )),
    verdictReportLine(report),
  ];
}

/** Which board a line is about, where there are several. */
function runPrefix(report: VerifyReport): (run: number) => string {
  return run => (report.runs.length > 1 ? `${runLabel(report, run)}: ` : '');
}

/**
 * One prompt: a line for each position that fails, for what fails as a whole, for what FP16 costs beyond its tolerance,
 * where the ways part; its summary.
 */
export function promptReportLines(prompt: PromptReport, { accuracyCounts }: VerdictOptions): string[] {
  const { number, positions, pieces, failures, accuracy, fork } = prompt;
  const listed = positions.filter(
    position => position.failures.length > 0 || (accuracyCounts && position.accuracy.length > 0),
  );
  const unlisted = listed.length - LISTED_POSITIONS;
  return [
    ...listed
      .slice(0, LISTED_POSITIONS)
      .map(position => `prompt ${number}, ${positionText(position, pieces)}`),
    ...(unlisted > 0
      ? [`prompt ${number}: ${counted(unlisted, 'more position')} of it fail (--json has all)`]
      : []),
    ...failures.map(failure => `prompt ${number}: ${failureText(failure, pieces)}`),
    ...(accuracyCounts
      ? accuracy.map(excess => `prompt ${number}: ${failureText(excess)}`)
      : accuracyLines(prompt)),
    ...(fork ? [`prompt ${number}: ${forkText(fork, pieces)}`] : []),
    `prompt ${number} ${showText(prompt.name)}: ${promptText(prompt)}`,
  ];
}

/** What FP16 costs beyond its tolerance where the device is right: how often, and the first. */
function accuracyLines({ number, positions, accuracy, verdict, pieces }: PromptReport): string[] {
  const inaccurate = positions.filter(
    position => position.accuracy.length > 0 && position.failures.length === 0,
  );
  const what = `prompt ${number}: accuracy, no fault of the device`;
  const [first] = inaccurate;
  return [
    ...(first
      ? [
          `${what}: FP16 costs more than it should at ${counted(inaccurate.length, 'position')}, first ${positionText(first, pieces)}`,
        ]
      : []),
    // A device that is wrong has a part in the mean.
    ...accuracy.map(excess => `${verdict === 'fail' ? `prompt ${number}` : what}: ${failureText(excess)}`),
  ];
}

/** The last line: the verdict, and why. */
export function verdictReportLine(report: VerifyReport): string {
  return `${verdictWord(report.verdict)}: ${verdictReason(report)}`;
}

/** How many positions, how many fail, and the figures that say most. */
function promptText({ summary, mode, fork, commonTokens = 0 }: PromptReport): string {
  const figures = (['fp16', 'fp32'] as const).flatMap(yardstick => {
    const { meanRelativeRms, worstKl } = summary[yardstick] ?? {};
    if (meanRelativeRms === undefined || worstKl === undefined) return [];
    const name = YARDSTICK_NAMES[yardstick];
    return [`${name} RMS ${figureText(meanRelativeRms)}, KL at most ${figureText(worstKl.value)}`];
  });
  return [
    `${counted(summary.positions, 'position')}, ${summary.failing} failing`,
    ...(mode === 'free' ? [`${counted(commonTokens, 'token')} in common${fork ? '' : ', no fork'}`] : []),
    ...figures,
  ].join('; ');
}

/** A matrix that is wrong. */
export function matrixLine({ name, wrong, outputs, rows, worst, wrongWeights }: MatrixReport): string {
  const { file, memory } = wrongWeights ?? {};
  const weights = [
    ...(file === undefined ? [] : [`${file} in the file`]),
    ...(memory === undefined ? [] : [`${memory} in memory`]),
  ];
  return [
    `matrix ${printable(name)}: ${wrong} of ${outputs} outputs wrong over ${counted(rows, 'row')}`,
    `largest error ${figureText(worst)} times its tolerance`,
    ...(weights.length === 0 ? [] : [`wrong weights: ${weights.join(', ')}`]),
  ].join('; ');
}

/** What was found, in the order of the data flow, and what that usually means. */
export function diagnosisLines({ prompt, position, findings, conclusions }: Diagnosis): string[] {
  const at = position === undefined ? '' : `, position ${position}`;
  const what = prompt === undefined ? 'diagnosis' : `diagnosis of prompt ${prompt}${at}`;
  return [
    findings.length === 0
      ? `${what}: every place is right by itself`
      : `${what}, in the order of the data flow:`,
    ...findings.flatMap((finding, i) => [
      `  ${i + 1}. ${printable(finding.place)}: ${findingText(finding)}`,
      ...exampleLines(finding),
    ]),
    ...(findings.length > 0 ? ['  what that usually means:'] : []),
    ...conclusions.map(conclusion => `  - ${printable(conclusion)}`),
  ];
}

function exampleLines(finding: Finding): string[] {
  const text = exampleText(finding);
  return text === undefined ? [] : [`     ${text}`];
}

function stabilityLines(stability: Stability, report: VerifyReport): string[] {
  const { repeats, seconds, identical, unstable, unstablePositions } = stability;
  const over = `stability: ${counted(repeats, 'run')} in ${seconds.toFixed(1)} s`;
  if (identical) return [`${over}, all the same bit by bit`];
  return [
    ...unstable
      .slice(0, LISTED_POSITIONS)
      .map(({ prompt, position, run, outputs, firstToken, first, other }) => {
        const pieces = report.prompts.find(({ number }) => number === prompt)?.pieces ?? {};
        const piece = pieces[firstToken];
        return (
          `prompt ${prompt}, position ${position}: run ${run} gave ${counted(outputs, 'other logit')}, first at token ` +
          `${piece === undefined ? firstToken : `${showText(piece)} (${firstToken})`}: ${first} then ${other}`
        );
      }),
    `${over}, ${counted(unstablePositions, 'position')} not the same in every run`,
  ];
}
