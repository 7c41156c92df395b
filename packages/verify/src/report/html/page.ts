import type { VerifyReport } from '../schema.js';
import { verdictReasons, verdictWord } from '../verdict-words.js';
import { printable, sentence } from '../words.js';
import { diagnosisSection, notesSection, stabilitySection } from './findings-sections.js';
import { identitySection, timeText } from './identity-section.js';
import { html, type Insertable, type Markup, trusted } from './markup.js';
import { matricesSection } from './matrices-section.js';
import { promptsSection } from './prompt-section.js';
import { STYLES } from './styles.js';
import { summarySection } from './summary-section.js';

/** Whatever gets into the page in spite of everything: nothing may run and nothing may be fetched. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const MARKS = { pass: '✓', fail: '✗', error: '!' } as const;

/** The whole page: the verdict, then what explains it, then everything in detail. */
export function page(report: VerifyReport): Markup {
  const parts: readonly (readonly [string, string, Insertable])[] = [
    ['notes', '', notesSection(report)],
    ['diagnosis', 'Diagnosis', diagnosisSection(report)],
    ['summary', 'Summary', summarySection(report)],
    ['matrices', 'Matrices', matricesSection(report)],
    ['stability', 'Stability', stabilitySection(report)],
    ['identity', 'Model and machine', identitySection(report)],
    ['prompts', 'Prompts', promptsSection(report)],
  ];
  const there = parts.filter(([, , markup]) => markup !== undefined);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${verdictWord(report.verdict)}: ${fileName(report.model.path)}, verify-npu</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLES)}</style>
</head>
<body>
<main>
${verdictHeader(report)}
<nav aria-label="Parts of the report">${there.filter(([, title]) => title !== '').map(([id, title]) => html`<a href="#${id}">${title}</a>`)}</nav>
${there.map(([, , markup]) => markup)}
<footer>Made by ${report.tool.name} ${report.tool.version}. What the figures mean and how a failure is read: docs/verification.md of the project.</footer>
</main>
</body>
</html>
`;
}

function verdictHeader(report: VerifyReport): Markup {
  const { verdict, model, reference, runs, tool } = report;
  const [why, ...more] = verdictReasons(report);
  const devices = [...new Set(runs.map(({ device }) => device?.description ?? 'none was opened'))];
  const hosts = [...new Set(runs.map(({ machine }) => machine.host))];
  const begun = runs.map(({ startedAt }) => timeText(startedAt)).sort();
  return html`<header class="panel verdict ${verdict}">
<p class="tool">${tool.name} ${tool.version}</p>
<h1><span aria-hidden="true">${MARKS[verdict]} </span>${verdictWord(verdict)}</h1>
<p class="why">${sentence(why!)}</p>
${more.length > 0 && html`<ul>${more.map(reason => html`<li>${sentence(reason)}</li>`)}</ul>`}
<dl class="facts">
<div><dt>Model</dt><dd>${model.path}<br><code>${model.headerSha256.slice(0, 16)}…</code></dd></div>
<div><dt>NPU</dt><dd>${devices.map((device, i) => html`${i > 0 && html`<br>`}${device}`)}</dd></div>
<div><dt>${hosts.length > 1 ? 'Machines' : 'Machine'}</dt><dd>${hosts.join(', ')}<br>${begun[0]}</dd></div>
<div><dt>Reference</dt><dd>${reference.kind === 'model' ? 'the file’s own weights' : html`${reference.path}<br><code>${reference.sha256.slice(0, 16)}…</code>`}</dd></div>
</dl>
</header>`;
}

function fileName(path: string): string {
  return printable(path.slice(path.lastIndexOf('/') + 1));
}
