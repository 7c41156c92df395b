import type { PromptReport, Summary, VerifyReport, YardstickFigures } from '../schema.js';
import { counted, figureText, logitText, runLabel, toleranceText } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';
import { promptAnchor } from './prompt-section.js';

/** The figures of all prompts against both yardsticks, and what became of each prompt on each board. */
export function summarySection(report: VerifyReport): Insertable {
  const { summary, prompts } = report;
  if (prompts.length === 0) return undefined;
  const inaccurateOnly = prompts
    .flatMap(({ positions }) => positions)
    .filter(({ failures, accuracy }) => failures.length === 0 && accuracy.length > 0).length;
  return html`<section id="summary" class="panel" aria-labelledby="summary-title">
<h2 id="summary-title">Summary</h2>
<p>${counted(summary.positions, 'position')} of ${counted(prompts.length, 'prompt')}: ${summary.failing} fail${inaccurateOnly > 0 && `; at ${inaccurateOnly} more the device is right, but FP16 costs more than it should${report.accuracyCounts ? ', which counts here' : ''}`}.</p>
${figuresTable(report)}
${perplexity(summary)}
${prompts.length > 1 && overview(report)}
</section>`;
}

function figuresTable({ summary, tolerances }: VerifyReport): Markup {
  const { fp32, fp16, cost } = summary;
  const cell = (text: Insertable): Markup => html`<td class="number">${text ?? '–'}</td>`;
  const row = (
    name: string,
    of: (figures: YardstickFigures, yardstick: 'fp32' | 'fp16') => Insertable,
    own?: Insertable,
  ): Markup =>
    html`<tr><th scope="row">${name}</th>${cell(fp16 && of(fp16, 'fp16'))}${cell(fp32 && of(fp32, 'fp32'))}${cell(own)}</tr>\n`;
  const place = (
    extreme: YardstickFigures['worstKl'],
    text: (value: number) => string,
    tolerance?: number,
  ): Insertable => {
    if (extreme === undefined) return undefined;
    const beyond = tolerance !== undefined && extreme.value > tolerance;
    return html`<span${beyond && html` class="bad"`}>${beyond && '✗ '}${text(extreme.value)}</span><small>prompt ${extreme.prompt}, position ${extreme.position}</small>${tolerance !== undefined && html`<small>tolerance ${toleranceText(tolerance)}</small>`}`;
  };
  const differing = (count: number): Insertable =>
    count > 0 ? html`<span class="bad">✗ ${count}</span>` : count;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Figures against both references"><table class="wide">
<thead><tr><th scope="col">figure</th><th scope="col" class="number">NPU against FP16-aware<small>is the device right?</small></th><th scope="col" class="number">NPU against FP32<small>how near is it?</small></th><th scope="col" class="number">FP16 itself against FP32<small>what any device pays</small></th></tr></thead>
<tbody>
${row('tokens that differ beyond the tolerance', figures => differing(figures.differing), cost?.differing)}
${row('tokens as good', figures => figures.tied)}
${row('RMS error, mean, of the spread', (figures, yardstick) => figures.meanRelativeRms !== undefined && html`${figureText(figures.meanRelativeRms)}<small>tolerance for a prompt ${toleranceText(tolerances[yardstick].meanRms)}</small>`, cost && figureText(cost.meanRelativeRms))}
${row('RMS error, worst position', (figures, yardstick) => place(figures.worstRelativeRms, figureText, tolerances[yardstick].positionRms))}
${row('KL divergence, worst position, nats', (figures, yardstick) => place(figures.worstKl, figureText, tolerances[yardstick].kl), cost && html`${figureText(cost.meanKl)}<small>mean</small>`)}
${row('largest difference of a logit', figures => place(figures.largestDifference, logitText))}
${row('least cosine', figures => place(figures.leastCosine, value => value.toFixed(7)))}
</tbody></table></div>`;
}

function perplexity({ perplexity: of }: Summary): Insertable {
  if (of === undefined) return undefined;
  const names = { fp32: 'by the FP32 reference', fp16: 'by the FP16-aware one', npu: 'by the NPU' } as const;
  const parts = (['fp32', 'fp16', 'npu'] as const).flatMap(side => {
    const value = of[side];
    return value === undefined ? [] : [`${Number(value).toFixed(4)} ${names[side]}`];
  });
  return html`<p>Perplexity of the text: ${parts.join(', ')}.</p>`;
}

/** A row for each prompt, a column for each board. */
function overview(report: VerifyReport): Markup {
  const { runs, prompts } = report;
  const numbers = [...new Set(prompts.map(({ number }) => number))];
  const columns = runs.map((_, run) => run);
  const cell = (prompt: PromptReport | undefined): Markup => {
    if (prompt === undefined) return html`<td class="muted">–<span class="hidden"> not run</span></td>`;
    const { verdict, summary } = prompt;
    const rms = summary.fp16?.meanRelativeRms ?? summary.fp32?.meanRelativeRms;
    const text =
      verdict === 'pass'
        ? '✓ pass'
        : `✗ ${summary.failing > 0 ? `${summary.failing} of ${summary.positions} fail` : 'fail'}`;
    return html`<td><a class="${verdict === 'pass' ? 'good' : 'bad'}" href="#${promptAnchor(prompt)}">${text}</a>${rms !== undefined && html`<small>mean RMS error <span class="whole">${figureText(rms)}</span></small>`}</td>`;
  };
  return html`<div class="scroll gap" tabindex="0" role="group" aria-label="Every prompt"><table class="wide">
<thead><tr><th scope="col" class="number narrow">no.</th><th scope="col">prompt</th>${columns.map(run => html`<th scope="col">${runs.length > 1 ? runLabel(report, run) : 'result'}</th>`)}</tr></thead>
<tbody>
${numbers.map(number => {
  const alike = prompts.filter(prompt => prompt.number === number);
  return html`<tr><td class="number">${number}</td><th scope="row">${alike[0]!.name || '(empty)'}</th>${columns.map(run => cell(alike.find(prompt => prompt.run === run)))}</tr>\n`;
})}</tbody></table></div>`;
}
