import * as Plot from '@observablehq/plot';
import { measuredFigure, type Results } from '../results.js';
import { isDeviceStage, REST } from '../token-budget.js';
import { threeDigits } from '../units.js';
import { COLORS, drawSvg } from './svg.js';

const DEVICE_COLORS = ['#8c959f', '#c4cad1'];
/** Okabe and Ito's, which can be told apart also by those who mix up red and green. */
const HOST_COLORS = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#d55e00',
  '#f0e442',
  '#994f00',
  '#332288',
  '#882255',
];
const REST_COLOR = '#e6e8eb';

interface Bar {
  readonly position: string;
  readonly name: string;
  readonly microseconds: number;
}

/** One token's time by stage, a bar a position: all of it, or the host's work alone. undefined where it was not measured. */
export function budgetPlot({ sections }: Results, what: 'token' | 'host'): string | undefined {
  const budgets = sections.flatMap(section => section.budgets ?? []);
  const all = budgets.flatMap(({ position, stages }) =>
    stages.map((stage): Bar => ({ ...stage, position: `position ${position}` })),
  );
  const names = [...new Set(all.map(({ name }) => name))];
  const hosts = names.filter(name => !isDeviceStage(name) && name !== REST);
  const colorOf = (name: string): string => {
    if (name === REST) return REST_COLOR;
    if (isDeviceStage(name)) return DEVICE_COLORS[names.indexOf(name) % DEVICE_COLORS.length]!;
    return HOST_COLORS[hosts.indexOf(name) % HOST_COLORS.length]!;
  };
  const bars = what === 'token' ? all : all.filter(({ name }) => !isDeviceStage(name));
  if (bars.length === 0) return undefined;
  const shown = names.filter(name => bars.some(bar => bar.name === name));
  const totals = Array.from(new Set(bars.map(({ position }) => position)), position => {
    const own = bars.filter(bar => bar.position === position);
    const microseconds = own.reduce((sum, bar) => sum + bar.microseconds, 0);
    const parts = own.map(bar => `${bar.name} ${Math.round(bar.microseconds)}`).join(', ');
    return { position, microseconds, text: `${Math.round(microseconds).toLocaleString('en')} us`, parts };
  });
  const title =
    what === 'token' ? 'One token by stage, microseconds' : 'Host work of one token, microseconds';
  const label = `${title}. ${totals.map(({ position, parts }) => `${position}: ${parts}.`).join(' ')}`;
  const legendRows = Math.ceil(shown.length / LEGEND_COLUMNS);
  return drawSvg(label, {
    height: 166 + legendRows * LEGEND_LINE,
    marginLeft: BUDGET_MARGIN,
    marginRight: 90,
    marginTop: 50 + legendRows * LEGEND_LINE,
    marginBottom: 30,
    x: { label: null, ticks: 6 },
    y: { label: null, tickSize: 0, domain: totals.map(({ position }) => position) },
    marks: [
      Plot.gridX({ stroke: COLORS.grid, strokeOpacity: 1, ticks: 6 }),
      Plot.barX(bars, {
        x: 'microseconds',
        y: 'position',
        z: 'name',
        order: shown,
        fill: (bar: Bar) => colorOf(bar.name),
      }),
      Plot.text(totals, { x: 'microseconds', y: 'position', text: 'text', textAnchor: 'start', dx: 6 }),
      ...heading(title, BUDGET_MARGIN, legendRows),
      ...legend(shown.map(name => ({ name, color: colorOf(name) }))),
    ],
  });
}

/** Decoding beside what it is held against, tokens a second. undefined where it was not measured. */
export function ratePlot(results: Results): string | undefined {
  const groups = (['decode.early', 'decode.late'] as const).flatMap(id => {
    const figure = measuredFigure(results, id);
    if (figure === undefined) return [];
    const group = figure.name.replace('decode around ', '');
    const device = { group, name: DEVICE_NAME, rate: figure.value };
    return [device, ...figure.beside.map(({ name, value }) => ({ group, name, rate: value }))];
  });
  if (groups.length === 0) return undefined;
  const title = 'Decoding, tokens a second';
  const color = (name: string): string =>
    name === DEVICE_NAME
      ? HOST_COLORS[0]!
      : name.startsWith('weights')
        ? DEVICE_COLORS[1]!
        : DEVICE_COLORS[0]!;
  return drawSvg(
    `${title}. ${groups.map(({ group, name, rate }) => `${group}, ${name}: ${threeDigits(rate)}`).join('. ')}.`,
    {
      height: 76 + groups.length * 26,
      marginLeft: RATE_MARGIN,
      marginRight: 110,
      marginTop: 50,
      marginBottom: 30,
      x: { label: null, ticks: 6 },
      y: { label: null, tickSize: 0, domain: [...new Set(groups.map(({ name }) => name))] },
      fy: { label: null, padding: 0.1, domain: [...new Set(groups.map(({ group }) => group))] },
      marks: [
        Plot.gridX({ stroke: COLORS.grid, strokeOpacity: 1, ticks: 6 }),
        Plot.barX(groups, {
          x: 'rate',
          y: 'name',
          fy: 'group',
          fill: ({ name }: { name: string }) => color(name),
          insetTop: 1,
          insetBottom: 1,
        }),
        Plot.text(groups, {
          x: 'rate',
          y: 'name',
          fy: 'group',
          text: ({ rate }: { rate: number }) => threeDigits(rate),
          textAnchor: 'start',
          dx: 5,
        }),
        ...heading(title, RATE_MARGIN),
      ],
    },
  );
}

const BUDGET_MARGIN = 100;
const RATE_MARGIN = 330;
const DEVICE_NAME = 'this project, on the device';
const LEGEND_COLUMNS = 5;
const LEGEND_LINE = 22;
const LEGEND_COLUMN = 150;

/** Above the frame. */
function heading(title: string, marginLeft: number, legendRows = 0): Plot.Markish[] {
  const at = { frameAnchor: 'top-left', dy: -30 - legendRows * LEGEND_LINE, dx: 20 - marginLeft } as const;
  return [
    Plot.text([title], { ...at, textAnchor: 'start', fontWeight: 'bold', fontSize: 15, facet: 'super' }),
  ];
}

/** Between heading and frame, in columns. */
function legend(entries: readonly { readonly name: string; readonly color: string }[]): Plot.Markish[] {
  const rows = Math.ceil(entries.length / LEGEND_COLUMNS);
  return entries.flatMap(({ name, color }, i) => {
    const dx = 26 - BUDGET_MARGIN + (i % LEGEND_COLUMNS) * LEGEND_COLUMN;
    const dy = -18 - (rows - 1 - Math.floor(i / LEGEND_COLUMNS)) * LEGEND_LINE;
    return [
      Plot.dot([0], {
        frameAnchor: 'top-left',
        dx,
        dy,
        r: 6,
        symbol: 'square',
        fill: color,
        stroke: COLORS.muted,
        strokeWidth: 0.5,
      }),
      Plot.text([name], {
        frameAnchor: 'top-left',
        dx: dx + 12,
        dy,
        textAnchor: 'start',
        lineAnchor: 'middle',
      }),
    ];
  });
}
