import type { Summary, VerifyReport, YardstickFigures } from './schema.js';
import { figureText, logitText, printable, runLabel } from './words.js';

/** A row's name and its cells: the NPU against the FP16-aware reference and against FP32, FP16 itself against FP32. */
type Row = readonly [name: string, fp16: string, fp32: string, cost: string];

/** The figures of all prompts as a table, then what they were measured on: lines for a terminal. */
export function summaryTable(report: VerifyReport): string[] {
  const { summary, prompts } = report;
  const facts = [...perplexityFact(summary), ...auditFact(report), ...runFacts(report)];
  const rows = prompts.length === 0 ? [] : figureRows(summary, prompts.length > 1);
  const columns = [0, 1, 2, 3].map(column => Math.max(0, ...rows.map(row => row[column]!.length)));
  const first = Math.max(columns[0]!, ...facts.map(([name]) => name.length));
  const table = rows.map(([name, ...cells]) =>
    [name.padEnd(first), ...cells.map((cell, i) => cell.padEnd(columns[i + 1]!))].join('  ').trimEnd(),
  );
  return [...table, ...facts.map(([name, text]) => `${name.padEnd(first)}  ${text}`)];
}

function figureRows({ fp16, fp32, cost }: Summary, withPrompts: boolean): Row[] {
  const place = ({ prompt, position }: { readonly prompt: number; readonly position: number }): string =>
    withPrompts ? `${prompt}:${position}` : String(position);
  const extreme =
    (
      key: 'largestDifference' | 'worstKl' | 'worstRelativeRms' | 'leastCosine',
      text: (value: number) => string,
    ) =>
    (figures: YardstickFigures | undefined): string => {
      const found = figures?.[key];
      return found === undefined ? '' : `${text(found.value)} at ${place(found)}`;
    };
  const row = (
    name: string,
    cell: (figures: YardstickFigures | undefined) => string,
    ofCost: string | undefined = '',
  ): Row => [name, cell(fp16), cell(fp32), ofCost];
  const ofCost = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : figureText(value);
  const rows = [
    row('tokens that differ', figures => String(figures?.differing ?? '')),
    row('tokens as good', figures => String(figures?.tied ?? ''), cost && String(cost.differing)),
    row('RMS error, mean', figures => ofCost(figures?.meanRelativeRms) ?? '', ofCost(cost?.meanRelativeRms)),
    row('RMS error, worst', extreme('worstRelativeRms', figureText)),
    row('KL, mean', () => '', ofCost(cost?.meanKl)),
    row('KL, worst', extreme('worstKl', figureText)),
    row('largest |dlogit|', extreme('largestDifference', logitText)),
    row(
      'least cosine',
      extreme('leastCosine', value => value.toFixed(7)),
    ),
  ];
  const where = withPrompts ? 'at prompt:position' : 'at position';
  const head: Row = [where, 'NPU, FP16-aware', fp32 === undefined ? '' : 'NPU, FP32', 'FP16, FP32'];
  const told = rows.filter(([, ...cells]) => cells.some(cell => cell !== ''));
  return told.length === 0 ? [] : [head, ...told];
}

function perplexityFact({ perplexity }: Summary): [string, string][] {
  const names = { fp32: 'FP32', fp16: 'FP16-aware', npu: 'NPU' } as const;
  const texts = (['fp32', 'fp16', 'npu'] as const).flatMap(side => {
    const value = perplexity?.[side];
    return value === undefined ? [] : [`${names[side]} ${Number(value).toFixed(4)}`];
  });
  return texts.length === 0 ? [] : [['perplexity', texts.join(', ')]];
}

/** How near single products came to their tolerance. */
function auditFact({ matrices }: VerifyReport): [string, string][] {
  if (matrices.length === 0) return [];
  const worst = Math.max(...matrices.map(matrix => Number(matrix.worst)));
  const outputs = matrices.reduce((sum, matrix) => sum + matrix.outputs, 0);
  return [
    [
      'products',
      `${outputs} outputs of ${matrices.length} matrices checked one by one, worst error ${figureText(worst)} times its tolerance`,
    ],
  ];
}

function runFacts(report: VerifyReport): [string, string][] {
  const rate = (value: number | string): string => `${Number(value).toFixed(1)} tok/s`;
  return report.runs.flatMap(({ device, tokensPerSecond: speed }, run): [string, string][] => {
    const of = report.runs.length > 1 ? ` of ${runLabel(report, run)}` : '';
    const speeds = [
      ...(speed && Number(speed.fp32) > 0 ? [`FP32 reference ${rate(speed.fp32)}`] : []),
      ...(speed && Number(speed.fp16) > 0 ? [`FP16-aware ${rate(speed.fp16)}`] : []),
      ...(speed ? [`NPU ${rate(speed.npu)}`] : []),
    ];
    return [
      ...(device ? [[`device${of}`, printable(device.description)] as [string, string]] : []),
      ...(speeds.length > 0 ? [[`speed${of}`, speeds.join(', ')] as [string, string]] : []),
    ];
  });
}
