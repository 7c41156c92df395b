import type { Finding, VerifyReport } from './schema.js';
import { counted, printable, rangesText, runLabel, wrongText } from './words.js';

/** The verdict as it is shown. */
export function verdictWord(verdict: VerifyReport['verdict']): 'PASS' | 'FAIL' | 'ERROR' {
  return verdict === 'pass' ? 'PASS' : verdict === 'fail' ? 'FAIL' : 'ERROR';
}

/** Why, without full stops, the most telling first: what ended it, what is wrong, or over how much nothing is. */
export function verdictReasons(report: VerifyReport): string[] {
  const wrong = wrongParts(report);
  if (report.verdict === 'error') return [...errorParts(report), ...wrong];
  if (report.verdict === 'fail') {
    const refused = report.runs.some(({ error }) => error !== undefined) ? errorParts(report) : [];
    const reasons = [...refused, ...wrong];
    // No run of ours says that, but a report may come from anybody.
    return reasons.length === 0 ? ['the report says so, and holds nothing that failed'] : reasons;
  }
  const right = rightParts(report);
  return right.length === 0 ? ['nothing was checked, and nothing failed'] : right;
}

/** The same in one sentence. */
export function verdictReason(report: VerifyReport): string {
  return verdictReasons(report).join('; ');
}

/** A finding in words: `16 of 288 outputs wrong (rows 32-47): core 1, every position`. */
export function findingText(finding: Finding): string {
  const { ranges, common } = finding;
  const much = wrongText(finding);
  const rows = ranges.length === 0 ? '' : ` (${rangesText(ranges)})`;
  const alike = common.map(printable).join(', ');
  return [...(much === undefined ? [] : [`${much}${rows}`]), ...(alike === '' ? [] : [alike])].join(': ');
}

function errorParts(report: VerifyReport): string[] {
  const errors = report.runs.flatMap(({ error }, run) => (error ? [{ run, message: error.message }] : []));
  const [first] = errors;
  if (first === undefined) return ['a run ended in an error'];
  const who = report.runs.length > 1 ? `${runLabel(report, first.run)}: ` : '';
  const more = errors.length > 1 ? ` (and ${counted(errors.length - 1, 'more run')} in errors)` : '';
  return [`${who}${printable(first.message)}${more}`];
}

function wrongParts(report: VerifyReport): string[] {
  const { summary, prompts, matrices } = report;
  const wrongPrompts = prompts.filter(({ verdict }) => verdict === 'fail').length;
  const wrongMatrices = matrices.filter(({ verdict }) => verdict === 'fail');
  const onAverage = prompts.filter(
    ({ failures, accuracy }) => failures.length > 0 || (report.accuracyCounts && accuracy.length > 0),
  ).length;
  const unstable = report.stability.reduce((sum, { unstablePositions }) => sum + unstablePositions, 0);
  const finding = report.diagnoses.find(({ findings }) => findings.length > 0)?.findings[0];
  return [
    ...(finding ? [`the first wrong place is ${printable(finding.place)}: ${findingText(finding)}`] : []),
    ...(summary.failing > 0
      ? [
          `${summary.failing} of ${counted(summary.positions, 'position')} fail, in ${wrongPrompts} of ${counted(prompts.length, 'prompt')}`,
        ]
      : []),
    ...(onAverage > 0 ? [`${onAverage} of ${counted(prompts.length, 'prompt')} wrong as a whole`] : []),
    ...(report.accuracyCounts && summary.inaccurate > 0
      ? [`FP16 costs more than it should at ${counted(summary.inaccurate, 'position')}`]
      : []),
    ...(wrongMatrices[0]
      ? [
          `${wrongMatrices.length} of ${counted(matrices.length, 'matrix', 'matrices')} wrong, first ${printable(wrongMatrices[0].name)}`,
        ]
      : []),
    ...(unstable > 0 ? [`${counted(unstable, 'position')} not the same in every run`] : []),
  ];
}

function rightParts(report: VerifyReport): string[] {
  const { summary, prompts, matrices, stability } = report;
  const forked = prompts.filter(({ fork }) => fork !== undefined);
  const drawn = forked.filter(({ sampling }) => (sampling?.temperature ?? 0) > 0).length;
  const greedy = forked.length - drawn;
  const steady = stability.length > 0 && stability.every(({ identical }) => identical);
  return [
    ...(prompts.length > 0
      ? [
          `${counted(summary.positions, 'position')} of ${counted(prompts.length, 'prompt')} within every tolerance`,
        ]
      : []),
    ...(greedy > 0 ? [`${counted(greedy, 'prompt')} parted where both candidates are as good`] : []),
    ...(drawn > 0 ? [`${counted(drawn, 'prompt')} parted where the coin fell between two candidates`] : []),
    ...(matrices.length === 1 ? ['the one matrix checked computes what it should'] : []),
    ...(matrices.length > 1 ? [`all ${matrices.length} matrices checked compute what they should`] : []),
    ...(steady ? ['every run the same bit by bit'] : []),
  ];
}
