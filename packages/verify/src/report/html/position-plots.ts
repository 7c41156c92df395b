import * as Plot from '@observablehq/plot';
import type { PositionReport, PromptReport, VerifyReport } from '../schema.js';
import type { Yardstick } from '../summary.js';
import { figureText, YARDSTICK_NAMES } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';
import { draw } from './plot.js';

const YARDSTICKS = ['fp32', 'fp16'] as const;
/** Positions up to which each gets a dot: a line of one point is none. */
const DOTTED_POSITIONS = 40;
/** What is smaller is drawn there, and the caption says so: it is below any rounding, and would flatten the rest. */
const FLOORS = { relativeRms: 1e-6, klDivergence: 1e-10 } as const;

/** The three plots of a prompt, one below the other on the same axis of positions. */
export function positionPlots(prompt: PromptReport, report: VerifyReport): Insertable {
  if (!prompt.positions.some(({ fp32, fp16 }) => fp32 ?? fp16)) {
    return html`<p class="muted">No position has logits that could be compared, so there is nothing to plot.</p>`;
  }
  return [
    html`<p class="legend" aria-hidden="true">
      ${YARDSTICKS.filter(yardstick => prompt.positions.some(one => one[yardstick])).map(
        yardstick =>
          html`<span class="key"><svg viewBox="0 0 28 8" class="swatch"><path class="line ${yardstick}" d="M0,4H28"></path></svg> against ${YARDSTICK_NAMES[yardstick]}</span>
          <span class="key"><svg viewBox="0 0 28 8" class="swatch"><path class="limit ${yardstick}" d="M0,4H28"></path></svg> its tolerance</span>`,
      )}
      ${prompt.positions.some(({ failures }) => failures.length > 0) && html`<span class="key"><span class="swatch band failing"></span> position fails</span>`}
      ${prompt.positions.some(({ accuracy }) => accuracy.length > 0) && html`<span class="key"><span class="swatch band inaccurate"></span> FP16 costs too much</span>`}
      <span class="key"><span class="swatch band prompt"></span> the prompt itself</span>
    </p>`,
    logPlot(
      prompt,
      'relativeRms',
      'RMS error of the logits, part of their spread',
      yardstick => report.tolerances[yardstick].positionRms,
    ),
    logPlot(prompt, 'klDivergence', 'KL divergence, nats', yardstick => report.tolerances[yardstick].kl),
    marginPlot(prompt, report),
  ];
}

interface Point {
  readonly position: number;
  readonly value: number;
}

function pointsOf(
  prompt: PromptReport,
  yardstick: Yardstick,
  of: (comparison: NonNullable<PositionReport['fp32']>) => number,
): Point[] {
  return prompt.positions.map(position => {
    const comparison = position[yardstick];
    // What could not be compared, and what a file says that is no number, leaves a gap.
    return { position: position.position, value: comparison ? of(comparison) : Number.NaN };
  });
}

function logPlot(
  prompt: PromptReport,
  figure: 'relativeRms' | 'klDivergence',
  title: string,
  toleranceOf: (yardstick: Yardstick) => number,
): Markup {
  const series = YARDSTICKS.flatMap(yardstick => {
    const points = pointsOf(prompt, yardstick, comparison => Math.max(FLOORS[figure], comparison[figure]));
    return points.some(({ value }) => Number.isFinite(value))
      ? [{ yardstick, points, tolerance: toleranceOf(yardstick) }]
      : [];
  });
  const values = series.flatMap(({ points, tolerance }) => [...points.map(({ value }) => value), tolerance]);
  const [low, high] = decades(values.filter(value => Number.isFinite(value) && value > 0));
  const label = `${title}, by position, logarithmic. ${series.map(one => described(one.points, one.yardstick, one.tolerance)).join(' ')}`;
  const ticks = powersOfTen(low, high);
  const floored = series.some(({ points }) => points.some(({ value }) => value === FLOORS[figure]));
  return figureOf(
    floored ? `${title} (what is below ${decade(FLOORS[figure])} is drawn there)` : title,
    draw(label, {
      height: 170,
      marginTop: 10,
      marginBottom: 22,
      x: xAxis(prompt),
      y: { type: 'log', domain: [low, high], ticks, tickFormat: decade, label: null },
      marks: [
        ...bands(prompt, low, high),
        Plot.ruleY(ticks, { className: 'grid' }),
        ...series.flatMap(({ yardstick, points, tolerance }) => [
          Plot.ruleY([tolerance], { className: `limit ${yardstick}` }),
          Plot.lineY(points, { x: 'position', y: 'value', className: `line ${yardstick}` }),
          ...dots(points, yardstick, prompt),
        ]),
      ],
    }),
  );
}

/** Where the tokens differ, and by how much the FP16-aware reference (else the FP32 one) finds the NPU's worse. */
function marginPlot(prompt: PromptReport, report: VerifyReport): Markup {
  const yardstick: Yardstick = prompt.positions.some(({ fp16 }) => fp16) ? 'fp16' : 'fp32';
  const title = `Margin: by how much the ${YARDSTICK_NAMES[yardstick]} reference finds the NPU’s token worse, part of the spread`;
  const differing = prompt.positions.flatMap(position => {
    const comparison = position[yardstick];
    if (comparison === undefined || comparison.npuToken === comparison.referenceToken) return [];
    const value = comparison.margin / comparison.spread;
    return Number.isFinite(value) ? [{ position: position.position, value }] : [];
  });
  if (differing.length === 0) {
    return html`<p class="muted">${title}: none, both choose the same token at every position.</p>`;
  }
  const tolerance = report.tolerances[yardstick].margin;
  const worst = largest(differing.map(({ value }) => value));
  const high = Math.max(tolerance, worst) * 1.15;
  return figureOf(
    title,
    draw(
      `${title}, by position. ${differing.length} differ, by ${figureText(worst)} at most; tolerance ${tolerance}.`,
      {
        height: 110,
        marginTop: 10,
        marginBottom: 22,
        x: xAxis(prompt),
        y: { domain: [0, high], ticks: 3, label: null },
        marks: [
          ...bands(prompt, 0, high),
          Plot.ruleX(differing, { x: 'position', y1: 0, y2: 'value', className: `stem ${yardstick}` }),
          Plot.dot(differing, { x: 'position', y: 'value', r: 2.5, className: `dot ${yardstick}` }),
          Plot.ruleY([tolerance], { className: `limit ${yardstick}` }),
          Plot.ruleY([0], { className: 'axis' }),
        ],
      },
    ),
  );
}

function figureOf(title: string, plot: Markup): Markup {
  return html`<figure><figcaption>${title}, by position</figcaption><div class="scroll" tabindex="0" role="group" aria-label="${title}">${plot}</div></figure>`;
}

function xAxis(prompt: PromptReport): Plot.ScaleOptions {
  const first = prompt.positions[0]?.position ?? 0;
  const last = prompt.positions.at(-1)?.position ?? 0;
  return {
    domain: [first - 0.5, last + 0.5],
    ticks: Math.min(10, last - first + 1),
    tickFormat: 'd',
    label: null,
  };
}

/** The prompt's own part, and the positions that fail or are inaccurate, from edge to edge: neighbours are one band. */
function bands(prompt: PromptReport, low: number, high: number): Plot.Markish[] {
  const of = (wrong: (position: PositionReport) => boolean) => runsOf(prompt.positions.filter(wrong));
  const kinds = [
    { className: 'band prompt', runs: of(({ position }) => position < prompt.promptTokens) },
    {
      className: 'band inaccurate',
      runs: of(({ failures, accuracy }) => failures.length === 0 && accuracy.length > 0),
    },
    { className: 'band failing', runs: of(({ failures }) => failures.length > 0) },
  ];
  return kinds
    .filter(({ runs }) => runs.length > 0)
    .map(({ className, runs }) =>
      Plot.rect(runs, {
        x1: ([from]: readonly [number, number]) => from - 0.5,
        x2: ([, to]: readonly [number, number]) => to + 0.5,
        y1: low,
        y2: high,
        inset: 0,
        className,
      }),
    );
}

/** Positions next to one another, as [first, last]. */
function runsOf(positions: readonly PositionReport[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const { position } of positions) {
    const current = runs.at(-1);
    if (current?.[1] === position - 1) current[1] = position;
    else runs.push([position, position]);
  }
  return runs;
}

/** All points where they are few; else those that stand alone between gaps, and those that fail where these are few. */
function dots(points: readonly Point[], yardstick: Yardstick, prompt: PromptReport): Plot.Markish[] {
  const failing = prompt.positions.filter(({ failures }) => failures.length > 0).length;
  const shown = points.filter(({ value }, i) => {
    if (!Number.isFinite(value)) return false;
    const alone = !Number.isFinite(points[i - 1]?.value) && !Number.isFinite(points[i + 1]?.value);
    const fails = failing <= DOTTED_POSITIONS && prompt.positions[i]!.failures.length > 0;
    return points.length <= DOTTED_POSITIONS || alone || fails;
  });
  if (shown.length === 0) return [];
  return [Plot.dot(shown, { x: 'position', y: 'value', r: 2, className: `dot ${yardstick}` })];
}

/** As Math.min, which takes no more values than the stack holds. */
function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

/** The powers of ten around all values. */
function decades(values: readonly number[]): [number, number] {
  const low = Math.floor(Math.log10(smallest(values)) - 0.1);
  // Beyond that is no number.
  const high = Math.min(308, Math.ceil(Math.log10(largest(values)) + 0.1));
  return [10 ** low, 10 ** high];
}

/** At most six or so of them. */
function powersOfTen(low: number, high: number): number[] {
  const [from, to] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const step = Math.ceil((to - from) / 6);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 10 ** (from + i * step));
}

/** 10⁻⁴; from a thousandth to a thousand as it is. */
function decade(value: number): string {
  const exponent = Math.round(Math.log10(value));
  if (exponent >= -2 && exponent <= 3) return String(value);
  return `10${[...String(exponent)].map(digit => SUPERSCRIPTS[digit]!).join('')}`;
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
};

function described(points: readonly Point[], yardstick: Yardstick, tolerance: number): string {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  const worst = finite.reduce((most, point) => (point.value > most.value ? point : most), finite[0]!);
  return `Against ${YARDSTICK_NAMES[yardstick]}: at most ${figureText(worst.value)}, at position ${worst.position}; tolerance ${tolerance}.`;
}
