import { matrixLine } from '../report-lines.js';
import type { MatrixReport, VerifyReport } from '../schema.js';
import { figureText, runLabel } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';

/** In the order of the data flow. */
const KINDS = ['wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2'];

/** Steps of the colour scale: largest error as part of the tolerance, logarithmic. */
const STEPS = [0.01, 0.03, 0.1, 0.3, 1] as const;

/** Layers by matrices, a map for each run: how near to its tolerance each is, and which are beyond. */
export function matricesSection(report: VerifyReport): Insertable {
  if (report.matrices.length === 0) return undefined;
  const wrong = report.matrices.filter(({ verdict }) => verdict === 'fail');
  const runs = [...new Set(report.matrices.map(({ run }) => run))].sort((a, b) => a - b);
  const several = report.runs.length > 1;
  return html`<section id="matrices" class="panel" aria-labelledby="matrices-title">
<h2 id="matrices-title">Matrices</h2>
<p class="muted">The largest error of any output, as part of its tolerance: up to 1 is right. Each product is judged by the inputs that it had${report.reference.kind === 'model' && report.prompts.length === 0 ? ': random inputs' : ''}.</p>
<div class="boards${several && ' several'}">${runs.map(
    run =>
      html`<div>${several && html`<h3>${runLabel(report, run)}</h3>`}${heatMap(
        report.matrices.filter(matrix => matrix.run === run),
        runLabel(report, run),
      )}</div>`,
  )}</div>
<ul class="scale" aria-label="Colour scale">${STEPS.map((step, i) => html`<li class="h${i}">up to ${step}</li>`)}<li class="wrong">✗ wrong</li></ul>
${
  wrong.length > 0 &&
  html`<h3 class="gap">Wrong</h3><ul>${wrong.map(matrix => html`<li>${several && `${runLabel(report, matrix.run)}: `}${matrixLine(matrix)}</li>`)}</ul>`
}
</section>`;
}

function heatMap(matrices: readonly MatrixReport[], label: string): Markup {
  const layered = matrices.filter(({ layer }) => layer !== undefined);
  const present = new Set(layered.map(({ kind }) => kind));
  const kinds = [
    ...KINDS.filter(kind => present.has(kind)),
    ...[...present].filter(kind => !KINDS.includes(kind)).sort(),
  ];
  const cells = new Map<string, MatrixReport>();
  for (const matrix of layered) {
    const key = `${matrix.layer} ${matrix.kind}`;
    const other = cells.get(key);
    if (other === undefined || Number(matrix.worst) > Number(other.worst)) cells.set(key, matrix);
  }
  const layers = [...new Set(layered.map(({ layer }) => layer!))].sort((a, b) => a - b);
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Errors of the matrices, ${label}"><table class="heat">
<caption class="hidden">Largest error of each matrix as part of its tolerance, ${label}</caption>
${kinds.length > 0 && html`<thead><tr><th scope="col">layer</th>${kinds.map(kind => html`<th scope="col">${kind}</th>`)}</tr></thead>`}
<tbody>
${layers.map(layer => html`<tr><th scope="row">${layer}</th>${kinds.map(kind => cell(cells.get(`${layer} ${kind}`), 1))}</tr>\n`)}
${matrices.filter(({ layer }) => layer === undefined).map(matrix => html`<tr><th scope="row">${matrix.name}</th>${cell(matrix, Math.max(1, kinds.length))}</tr>\n`)}
</tbody></table></div>`;
}

function cell(matrix: MatrixReport | undefined, columns: number): Markup {
  if (matrix === undefined)
    return html`<td class="none"><span class="hidden">not checked</span><span aria-hidden="true">·</span></td>`;
  const wrong = matrix.verdict === 'fail';
  const worst = Number(matrix.worst);
  const step = STEPS.findIndex(limit => worst <= limit);
  const shade = wrong ? 'wrong' : `h${step === -1 ? STEPS.length - 1 : step}`;
  const span = columns > 1 && html` colspan="${columns}"`;
  // Wrong weights alone need not make an error.
  const text = wrong ? `✗ ${figureText(matrix.worst)}` : figureText(matrix.worst);
  return html`<td class="cell ${shade}"${span} title="${matrixLine(matrix)}">${text}</td>`;
}
