import type { RunReport, VerifyReport } from '../schema.js';
import { runLabel, toleranceText } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';

/** What was verified against what and where: files by their hashes, machines side by side, the tolerances. */
export function identitySection(report: VerifyReport): Markup {
  return html`<section id="identity" class="panel" aria-labelledby="identity-title">
<h2 id="identity-title">Model, machine and tolerances</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Model and reference"><table class="wide">
<caption>Model and reference</caption>
<tbody>
${modelRows(report).map(([name, value]) => value !== undefined && html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`)}
</tbody></table></div>
<div class="scroll gap" tabindex="0" role="group" aria-label="Machines"><table class="wide">
<caption>${report.runs.length > 1 ? 'Machines, side by side' : 'Machine'}</caption>
<thead><tr><td></td>${report.runs.map((_, run) => html`<th scope="col">${runLabel(report, run)}</th>`)}</tr></thead>
<tbody>
${RUN_ROWS.map(([name, of]) => report.runs.some(run => of(run) !== undefined) && html`<tr><th scope="row">${name}</th>${report.runs.map(run => html`<td>${of(run) ?? '–'}</td>`)}</tr>\n`)}
</tbody></table></div>
${tolerancesTable(report)}
</section>`;
}

function modelRows({ model, reference, suite, tool, command }: VerifyReport): [string, Insertable][] {
  const { config, source } = model;
  const code = (text: string): Markup => html`<code>${text}</code>`;
  return [
    ['model file', html`${code(model.path)}, ${model.bytes.toLocaleString('en')} bytes`],
    ['SHA-256 of its header', code(model.headerSha256)],
    ['made from', html`${source.name}, version ${source.version}<br>SHA-256 ${code(source.sha256)}`],
    ['converter', model.converter],
    ['saturated weights', model.saturated],
    [
      'shape',
      `dim ${config.dim}, hidden ${config.hiddenDim}, ${config.layerCount} layers, ${config.headCount} heads (${config.kvHeadCount} for keys and values), vocabulary ${config.vocabSize}, ${config.seqLen} positions${model.sharedClassifier ? ', shared classifier' : ''}`,
    ],
    [
      'reference',
      reference.kind === 'model'
        ? 'the file’s own weights'
        : html`${reference.kind === 'golden' ? 'golden record' : 'checkpoint'} ${code(reference.path)}<br>SHA-256 ${code(reference.sha256)}`,
    ],
    ['suite', suite && html`${suite.name}<br>SHA-256 ${code(suite.sha256)}`],
    ['command', code(command)],
    ['tool', `${tool.name} ${tool.version}`],
  ];
}

const RUN_ROWS: readonly (readonly [string, (run: RunReport) => Insertable])[] = [
  [
    'verdict',
    ({ verdict }) =>
      html`<span class="badge ${verdict}">${{ pass: '✓ pass', fail: '✗ fail', error: '! error' }[verdict]}</span>`,
  ],
  [
    'error',
    ({ error }) =>
      error && html`<span class="bad">${error.message}</span> <small>exit status ${error.exitStatus}</small>`,
  ],
  ['shard', ({ shard }) => shard && `${shard.index} of ${shard.count}`],
  ['device', ({ device }) => device?.description],
  ['driver', ({ device }) => device?.driver],
  ['cores', ({ device }) => device?.cores],
  ['rows a job when decoding', ({ device }) => device?.decodeRows],
  ['FFI adapter', ({ device }) => device?.ffi],
  ['kernel', ({ machine }) => machine.kernel],
  ['machine', ({ machine }) => `${machine.arch}, Node ${machine.node}`],
  ['begun', ({ startedAt }) => html`<time datetime="${startedAt}">${timeText(startedAt)}</time>`],
  ['took', ({ seconds }) => `${seconds.toFixed(1)} s`],
  [
    'tokens a second',
    ({ tokensPerSecond: speed }) =>
      speed &&
      `NPU ${Number(speed.npu).toFixed(1)}, FP32 ${Number(speed.fp32).toFixed(1)}, FP16-aware ${Number(speed.fp16).toFixed(1)}`,
  ],
];

/** `2025-11-20 02:00:07 UTC`. */
export function timeText(startedAt: string): string {
  return `${new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function tolerancesTable({ tolerances }: VerifyReport): Markup {
  const row = (name: string, of: keyof VerifyReport['tolerances']['fp32']): Markup =>
    html`<tr><th scope="row">${name}</th><td class="number">${toleranceText(tolerances.fp16[of])}</td><td class="number">${toleranceText(tolerances.fp32[of])}</td></tr>`;
  return html`<div class="scroll gap" tabindex="0" role="group" aria-label="Tolerances"><table>
<caption>Tolerances</caption>
<thead><tr><td></td><th scope="col" class="number">against FP16-aware</th><th scope="col" class="number">against FP32</th></tr></thead>
<tbody>${row('margin, of the spread', 'margin')}${row('RMS error of a position', 'positionRms')}${row('RMS error, mean of a prompt', 'meanRms')}${row('KL divergence, nats', 'kl')}
<tr><th scope="row">product, of its sum of magnitudes</th><td class="number">${toleranceText(tolerances.product)}</td><td></td></tr>
<tr><th scope="row">step, of its result</th><td class="number">${toleranceText(tolerances.step)}</td><td></td></tr></tbody></table></div>`;
}
