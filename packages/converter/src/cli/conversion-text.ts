import { HALF_MAX, type Leftover } from '@npu-llama/format';
import { oneLine } from '@npu-llama/format/cli';
import type { ConversionReport } from '../report.js';
import { describeModel } from './model-text.js';
import { megabytes, seconds } from './units.js';

/** A conversion's report for people, several lines. */
export function describeConversion(report: ConversionReport): string {
  const { source, target, largestRoundingError: largest } = report;
  const from = `${source.path} (version ${source.version}, ${megabytes(source.bytes)})`;
  const rounding =
    largest === null
      ? 'none: every weight is an FP16 number'
      : `${largest.error.toPrecision(3)} (${largest.tensor})`;
  return [
    `${target.path}: ${megabytes(target.bytes)} from ${from} in ${seconds(report.milliseconds)}`,
    ...describeModel(report),
    `  DMA memory       ${megabytes(report.weightsDmaBytes)} for the weights`,
    `  rounding error   ${largest === null ? '' : 'at most '}${rounding}`,
    ...(report.saturated === 0
      ? []
      : [`  saturated        ${report.saturated} weights clamped to ${HALF_MAX}`]),
    `  source SHA-256   ${source.sha256}`,
    '',
  ]
    .map(oneLine)
    .join('\n');
}

/** What the user should know before running the model; empty when nothing. */
export function describeWarnings(
  target: string,
  { weightsDmaBytes, exceedsDmaWindow }: Pick<ConversionReport, 'weightsDmaBytes' | 'exceedsDmaWindow'>,
): string {
  if (!exceedsDmaWindow) return '';
  const gibibytes = (weightsDmaBytes / 2 ** 30).toFixed(1);
  return (
    `convert-weights: warning: ${oneLine(target)} will need ${gibibytes} GiB of DMA memory for its weights, ` +
    'and one address window of the NPU is 4 GiB; use a smaller model, or a driver with several windows\n'
  );
}

/** What earlier runs left beside the target when they were killed; empty when nothing. It is not ours to remove: see findLeftovers. */
export function describeLeftovers(leftovers: readonly Leftover[]): string {
  return leftovers
    .map(
      ({ path, bytes }) =>
        `convert-weights: note: a run that was killed left ${oneLine(path)} (${megabytes(bytes)}); remove it if no other machine writes it\n`,
    )
    .join('');
}
