import type { Diagnosis, Finding, VerifyReport } from '../schema.js';
import { counted, exampleText, rangesText, runLabel, sentence, tokenText, wrongText } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';

/** What happened and must not go unseen. */
export function notesSection(report: VerifyReport): Insertable {
  if (report.notes.length === 0) return undefined;
  const several = report.runs.length > 1;
  return html`<section id="notes" class="panel notes" aria-labelledby="notes-title">
<h2 id="notes-title" class="hidden">Notes</h2>
<ul>${report.notes.map(({ run, text }) => html`<li>${several && `${runLabel(report, run)}: `}${text}</li>`)}</ul>
</section>`;
}

/** What was found wrong in itself, in the order of the data flow, and what that usually means. */
export function diagnosisSection(report: VerifyReport): Insertable {
  if (report.diagnoses.length === 0) return undefined;
  return html`<section id="diagnosis" class="panel" aria-labelledby="diagnosis-title">
<h2 id="diagnosis-title">Diagnosis</h2>
${report.diagnoses.map(diagnosis => diagnosisBlock(diagnosis, report))}
</section>`;
}

function diagnosisBlock(
  { run, prompt, position, findings, conclusions }: Diagnosis,
  report: VerifyReport,
): Markup {
  const what = [
    ...(report.runs.length > 1 ? [runLabel(report, run)] : []),
    ...(prompt === undefined ? [] : [`prompt ${prompt}`]),
    ...(position === undefined ? [] : [`position ${position}`]),
  ];
  return html`<div class="diagnosis">
${what.length > 0 && html`<p class="muted">${what.join(', ')}${findings.length > 0 && ', in the order of the data flow: the first is where to begin'}</p>`}
${findings.length === 0 ? html`<p>Every product and every step is right by itself.</p>` : html`<ol class="findings">${findings.map(findingItem)}</ol>`}
${conclusions.length > 0 && html`<div class="conclusions"><h3>What this usually means</h3>${conclusions.map(text => html`<p>${sentence(text)}</p>`)}</div>`}
</div>`;
}

function findingItem(finding: Finding): Markup {
  const { place, what, ranges, common } = finding;
  const much = wrongText(finding);
  const example = exampleText(finding);
  return html`<li><strong>${place}</strong> ${what === 'weights' && html`<span class="muted">(its weights)</span>`}<br>
${much !== undefined && html`${much}${ranges.length > 0 && `: ${rangesText(ranges)}`}<br>`}
${common.map(text => html`<span class="tag">${text}</span>`)}
${example && html`<br><span class="muted">for instance ${example}</span>`}</li>`;
}

/** Whether several runs of the same tokens gave the same, bit by bit. */
export function stabilitySection(report: VerifyReport): Insertable {
  if (report.stability.length === 0) return undefined;
  const several = report.runs.length > 1;
  return html`<section id="stability" class="panel" aria-labelledby="stability-title">
<h2 id="stability-title">Stability</h2>
${report.stability.map(
  ({
    run,
    repeats,
    seconds,
    identical,
    unstable,
    unstablePositions,
  }) => html`<p>${several && `${runLabel(report, run)}: `}<span class="badge ${identical ? 'pass' : 'fail'}">${identical ? '✓ the same bit by bit' : '✗ not the same'}</span> ${counted(repeats, 'run')} in ${seconds.toFixed(1)} s${!identical && `, ${counted(unstablePositions, 'position')} not the same in every run`}</p>
${
  unstable.length > 0 &&
  html`<div class="scroll" tabindex="0" role="group" aria-label="Outputs that are not the same"><table>
<thead><tr><th scope="col">prompt</th><th scope="col" class="number">position</th><th scope="col" class="number">run</th><th scope="col" class="number">other logits</th><th scope="col">first such token</th><th scope="col" class="number">first run</th><th scope="col" class="number">this run</th></tr></thead>
<tbody>${unstable.map(
    one =>
      html`<tr><td>${one.prompt}</td><td class="number">${one.position}</td><td class="number">${one.run}</td><td class="number">${one.outputs}</td><td>${tokenText(one.firstToken, piecesOf(report, one.prompt))}</td><td class="number">${one.first}</td><td class="number">${one.other}</td></tr>`,
  )}</tbody></table></div>`
}`,
)}
</section>`;
}

function piecesOf({ prompts }: VerifyReport, number: number): Readonly<Record<string, string>> {
  return prompts.find(prompt => prompt.number === number)?.pieces ?? {};
}
