import type { MatrixReport } from '../report/schema.js';

/** One report a matrix, of what audits, diagnoses and sweeps each found out about it; in the order of first mention. */
export function combineMatrices(reports: readonly MatrixReport[]): MatrixReport[] {
  const byName = new Map<string, MatrixReport>();
  for (const report of reports) {
    const known = byName.get(report.name);
    byName.set(report.name, known === undefined ? report : combined(known, report));
  }
  return [...byName.values()];
}

function combined(a: MatrixReport, b: MatrixReport): MatrixReport {
  const weights = [a.wrongWeights, b.wrongWeights].filter(wrong => wrong !== undefined);
  return {
    ...a,
    verdict: a.verdict === 'fail' ? 'fail' : b.verdict,
    rows: a.rows + b.rows,
    outputs: a.outputs + b.outputs,
    wrong: a.wrong + b.wrong,
    worst: worse(a.worst, b.worst),
    ...(weights.length > 0 && { wrongWeights: Object.assign({}, ...weights) }),
  };
}

/** NaN is worse than any number: an output that is none. */
function worse(a: MatrixReport['worst'], b: MatrixReport['worst']): MatrixReport['worst'] {
  if (Number.isNaN(Number(a))) return a;
  return Number.isNaN(Number(b)) || Number(b) > Number(a) ? b : a;
}
