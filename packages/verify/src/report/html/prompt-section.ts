import type { Fork, PromptReport, VerifyReport } from '../schema.js';
import { counted, failureText, figureText, logitText, marginText, runLabel, tokenText } from '../words.js';
import { failingTable } from './failing-table.js';
import { html, type Insertable, type Markup } from './markup.js';
import { positionPlots } from './position-plots.js';
import { hasMarks, tokenStory } from './token-text.js';

/** The anchor of a prompt's details. */
export function promptAnchor({ number, run }: PromptReport): string {
  return `prompt-${number}-${run}`;
}

/** Every prompt, those that fail unfolded. */
export function promptsSection(report: VerifyReport): Insertable {
  if (report.prompts.length === 0) return undefined;
  return html`<section id="prompts" aria-labelledby="prompts-title">
<h2 id="prompts-title">Prompts</h2>
${report.prompts.map(prompt => promptDetails(prompt, report))}
</section>`;
}

function promptDetails(prompt: PromptReport, report: VerifyReport): Markup {
  const { verdict, number, name, mode, summary, failures, accuracy, sampling, fork } = prompt;
  const several = report.runs.length > 1;
  const facts = [
    ...(several ? [runLabel(report, prompt.run)] : []),
    mode,
    ...(sampling
      ? [`temperature ${sampling.temperature}, top-p ${sampling.topP}, seed ${sampling.seed}`]
      : []),
    counted(summary.positions, 'position'),
    `${summary.failing} fail`,
    ...(summary.fp16?.meanRelativeRms === undefined
      ? []
      : [`mean RMS error ${figureText(summary.fp16.meanRelativeRms)} against FP16-aware`]),
  ];
  const reasons = [...failures, ...accuracy].map(failure => failureText(failure, prompt.pieces));
  return html`<details class="prompt ${verdict}" id="${promptAnchor(prompt)}"${OPEN[verdict]}>
<summary><span class="badge">${verdict === 'pass' ? '✓ pass' : '✗ fail'}</span><h3>${number} · ${name === '' ? 'prompt' : name}</h3><span class="muted">${facts.join(' · ')}</span></summary>
<div>
${reasons.length > 0 && html`<p class="bad">The prompt as a whole: ${reasons.join('; ')}</p>`}
<h4>Text</h4>
${tokenStory(prompt)}
${hasMarks(prompt) && storyLegend}
${mode === 'free' && commonPart(prompt, fork)}
<h4>By position</h4>
${positionPlots(prompt, report)}
${failingTable(prompt)}
</div>
</details>
`;
}

/** An attribute that is there or is not. */
const OPEN = { fail: html` open`, pass: html`` } as const;

const storyLegend = html`<p class="muted small">Boxed is what the NPU would have written instead of the word before it: bold where that fails, dashed where FP16 costs too much, dotted where both are as good. Hold the pointer over it for the figures.</p>`;

function commonPart({ commonTokens, pieces }: PromptReport, fork: Fork | undefined): Markup {
  const common =
    commonTokens === undefined ? '' : `${counted(commonTokens, 'token')} in common, the prompt included`;
  if (fork === undefined) return html`<h4>Both ways</h4><p>${common}: they never part.</p>`;
  return html`<h4>Where the two ways part</h4>
<p>${common}; the choice at position ${fork.position} is another.</p>
<div class="fork">
<div class="reference"><p class="muted">The reference goes on with</p><p><strong>${tokenText(fork.reference.token, pieces)}</strong></p>
<p>logit ${logitText(fork.reference.logit)}, the NPU gives it ${logitText(fork.reference.npuLogit)}</p><p>to the reference ${marginText(fork.referenceMargin)} than the other</p></div>
<div class="npu"><p class="muted">The NPU goes on with</p><p><strong>${tokenText(fork.npu.token, pieces)}</strong></p>
<p>logit to the reference ${logitText(fork.npu.referenceLogit)}, the NPU gives it ${logitText(fork.npu.logit)}</p><p>to the NPU ${marginText(fork.npuMargin)} than the other</p></div>
</div>`;
}
