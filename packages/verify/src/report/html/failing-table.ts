import { LISTED_POSITIONS } from '../report-lines.js';
import type { Excess, PositionReport, PromptReport } from '../schema.js';
import type { Yardstick } from '../summary.js';
import { counted, failureText, figureText, logitText, shownComparison, tokenText } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';

/** The first positions that fail or cost too much: who chose what, and each figure against both references. */
export function failingTable({ positions, pieces }: PromptReport): Insertable {
  const failing = positions.filter(({ failures, accuracy }) => failures.length > 0 || accuracy.length > 0);
  if (failing.length === 0) return undefined;
  const unlisted = failing.length - LISTED_POSITIONS;
  return html`<h4>Positions that fail or cost too much</h4>
<div class="scroll" tabindex="0" role="group" aria-label="Positions that fail or cost too much"><table class="wide failing">
<caption class="small">Large: against the FP16-aware reference, which tells whether the device is right; small: against FP32.</caption>
<thead><tr><th scope="col" class="number">position</th><th scope="col">after</th><th scope="col">reference</th><th scope="col">NPU</th><th scope="col" class="number">worse by, logits</th><th scope="col" class="number">RMS error</th><th scope="col" class="number">KL, nats</th></tr></thead>
<tbody>
${failing.slice(0, LISTED_POSITIONS).map(position => row(position, pieces))}</tbody></table></div>
${unlisted > 0 && html`<p class="muted">and ${counted(unlisted, 'more position')}; the JSON document has all of them.</p>`}`;
}

function row(position: PositionReport, pieces: PromptReport['pieces']): Markup {
  const comparison = shownComparison(position);
  const others = position.failures.filter(failure => !('yardstick' in failure));
  const words = others.map(failure => html`<span class="bad">✗ ${failureText(failure, pieces)}</span><br>`);
  const head = html`<th scope="row" class="number">${position.position}</th><td>${tokenText(position.token, pieces)}</td>`;
  if (comparison === undefined) {
    return html`<tr>${head}<td>${tokenText(position.referenceToken, pieces)}</td><td colspan="4">${words}</td></tr>\n`;
  }
  const choice = (token: number, logit: number): Markup =>
    html`${tokenText(token, pieces)}<small>${logitText(logit)}</small>`;
  return html`<tr>${head}<td>${choice(comparison.referenceToken, comparison.referenceBest)}</td><td>${choice(comparison.npuToken, comparison.npuBest)}</td>${figures(position, 'token', 'margin', logitText)}${figures(position, 'positionRms', 'relativeRms', figureText)}${figures(position, 'klDivergence', 'klDivergence', figureText)}</tr>
${words.length > 0 && html`<tr><td></td><td colspan="6">${words}</td></tr>\n`}`;
}

/** One figure against both yardsticks, each marked where it is beyond its tolerance. */
function figures(
  position: PositionReport,
  kind: Excess['kind'],
  figure: 'margin' | 'relativeRms' | 'klDivergence',
  text: (value: number) => string,
): Markup {
  const of = (yardstick: Yardstick): Insertable => {
    const value = position[yardstick]?.[figure];
    if (value === undefined) return '–';
    const beyond = [...position.failures, ...position.accuracy].some(
      failure => failure.kind === kind && 'yardstick' in failure && failure.yardstick === yardstick,
    );
    return beyond ? html`<span class="bad">✗ ${text(value)}</span>` : text(value);
  };
  return html`<td class="number">${of('fp16')}<small>${of('fp32')}</small></td>`;
}
