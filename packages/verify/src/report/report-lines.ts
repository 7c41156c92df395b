import { showText } from '../text/index.js';
import type {
  Diagnosis,
  MatrixReport,
  PromptReport,
  Stability,
  Summary,
  VerifyReport,
  YardstickFigures,
} from './schema.js';
import type { VerdictOptions } from './summary.js';
import { findingText, verdictReason, verdictWord } from './verdict-words.js';
import {
  counted,
  failureText,
  figureText,
  forkText,
  logitText,
  positionText,
  printable,
  runLabel,
  valueText,
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

/** What comes after the prompts, where those were told as they came. */
export function reportEndLines(report: VerifyReport): string[] {
  const of = runPrefix(report);
  return [
    ...report.matrices
      .filter(({ verdict }) => verdict === 'fail')
      .map(matrix => of(matrix.run) + matrixLine(matrix)),
    ...report.diagnoses.flatMap(diagnosis => diagnosisLines(diagnosis).map(line => of(diagnosis.run) + line)),
    ...report.stability.flatMap(one => stabilityLines(one, report).map(line => of(one.run) + line)),
    ...report.notes.map(({ run, text }) => `${of(run)}note: ${printable(text)}`),
    ...report.runs.flatMap(({ error }, run) =>
      error ? [`${of(run)}error: ${printable(error.message)}`] : [],
    ),
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
  const common = `${prompt.commonTokens ?? '?'} tokens in common`;
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
    ...(fork ? [`prompt ${number}: ${common}, ${forkText(fork, pieces)}`] : []),
    ...(prompt.mode === 'free' && !fork ? [`prompt ${number}: ${common}, no fork`] : []),
    `prompt ${number} ${showText(prompt.text)}: ${summaryText(prompt.summary)}`,
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

/** The last line: the verdict, why, over how much and how far apart, on what, how fast. */
export function verdictReportLine(report: VerifyReport): string {
  const devices = report.runs.map(({ device }) => device?.description ?? 'no device');
  const speeds = report.runs.flatMap(({ tokensPerSecond: speed }, run) =>
    speed
      ? [
          `${report.runs.length > 1 ? `${runLabel(report, run)} ` : ''}reference ${rate(speed.fp32)} tok/s, ` +
            `FP16-aware ${rate(speed.fp16)} tok/s, NPU ${rate(speed.npu)} tok/s`,
        ]
      : [],
  );
  return [
    `${verdictWord(report.verdict)}: ${verdictReason(report)}`,
    ...(report.prompts.length > 0 ? figuresParts(report.summary, report.prompts.length > 1) : []),
    `NPU: ${[...new Set(devices)].map(printable).join(' and ')}`,
    ...speeds,
  ].join('; ');
}

function rate(value: number | string): string {
  return Number(value).toFixed(1);
}

function summaryText(summary: Summary): string {
  const counts = `${counted(summary.positions, 'position')}, ${summary.failing} failing`;
  return [counts, ...figuresParts(summary, false)].join('; ');
}

/** The figures against each yardstick, then what FP16 costs. */
function figuresParts(summary: Summary, withPrompts: boolean): string[] {
  const place = ({ prompt, position }: { prompt: number; position: number }): string =>
    withPrompts ? `prompt ${prompt}, position ${position}` : `position ${position}`;
  const { cost, perplexity } = summary;
  return [
    ...(['fp32', 'fp16'] as const).flatMap(yardstick => {
      const figures = summary[yardstick];
      return figures ? [`${YARDSTICK_NAMES[yardstick]}: ${figuresText(figures, place)}`] : [];
    }),
    ...(cost
      ? [
          `cost of FP16: ${cost.differing} differ, mean RMS ${figureText(cost.meanRelativeRms)}, mean KL ${figureText(cost.meanKl)}`,
        ]
      : []),
    ...(perplexity
      ? [
          `perplexity: ${Object.entries(perplexity)
            .map(
              ([side, value]) =>
                `${side === 'npu' ? 'NPU' : YARDSTICK_NAMES[side as 'fp32']} ${Number(value).toFixed(4)}`,
            )
            .join(', ')}`,
        ]
      : []),
  ];
}

function figuresText(
  figures: YardstickFigures,
  place: (extreme: { prompt: number; position: number }) => string,
): string {
  const { differing, tied, largestDifference, meanRelativeRms, worstRelativeRms, worstKl, leastCosine } =
    figures;
  return [
    `${differing} differ`,
    ...(tied === 0 ? [] : [`${tied} tied`]),
    ...(largestDifference
      ? [`largest |dlogit| ${logitText(largestDifference.value)} at ${place(largestDifference)}`]
      : []),
    ...(meanRelativeRms === undefined ? [] : [`mean RMS error ${figureText(meanRelativeRms)} of the spread`]),
    ...(worstRelativeRms
      ? [`worst ${figureText(worstRelativeRms.value)} at ${place(worstRelativeRms)}`]
      : []),
    ...(worstKl ? [`worst KL ${figureText(worstKl.value)} at ${place(worstKl)}`] : []),
    ...(leastCosine ? [`least cosine ${leastCosine.value.toFixed(7)} at ${place(leastCosine)}`] : []),
  ].join(', ');
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
  const what =
    prompt === undefined
      ? 'diagnosis'
      : `diagnosis of prompt ${prompt}${position === undefined ? '' : `, position ${position}`}`;
  return [
    ...(findings.length === 0 ? [`${what}: every place is right by itself`] : []),
    ...findings.map((finding, i) => {
      const { example } = finding;
      const where = example?.position === undefined ? '' : ` at position ${example.position}`;
      const instance = example
        ? `; output ${example.output}${where}: got ${valueText(example.got)}, wanted ${valueText(example.wanted)}, tolerance ${figureText(example.tolerance)}`
        : '';
      return `${what}: ${i + 1}. ${printable(finding.place)}: ${findingText(finding)}${instance}`;
    }),
    ...conclusions.map(conclusion => `${what}: ${printable(conclusion)}`),
  ];
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
