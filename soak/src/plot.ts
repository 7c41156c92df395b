import { COLORS, drawSvg } from '@npu-llama/bench/svg';
import * as Plot from '@observablehq/plot';
import { ALLOWED_GROWTH } from './flat.js';
import type { Measure } from './memory.js';
import type { SoakRun } from './soak.js';

const MIB = 2 ** 20;
/** Okabe and Ito's, which can be told apart also by those who mix up red and green. */
const LINES: readonly { readonly measure: Measure; readonly name: string; readonly color: string }[] = [
  { measure: 'rss', name: 'resident', color: '#0072b2' },
  { measure: 'heapUsed', name: 'heap', color: '#d55e00' },
  { measure: 'arrayBuffers', name: 'array buffers', color: '#009e73' },
  { measure: 'liveBufferBytes', name: 'DMA', color: '#cc79a7' },
];
const LEGEND_COLUMN = 130;
const MARGIN_LEFT = 60;

/** How far memory lies from the first third's median, over loads or tokens; a panel a run, the bound for resident memory dashed. */
export function memoryPlot(runs: readonly SoakRun[]): string {
  const points = runs.flatMap(run =>
    LINES.flatMap(({ measure, color }) => {
      const { first } = growthIn(run, measure);
      return run.samples.map(sample => ({
        run: run.name,
        share: (100 * sample.done) / run.done,
        mib: (sample[measure] - first) / MIB,
        measure,
        color,
      }));
    }),
  );
  const titles = runs.map(run => ({ run: run.name, text: titleOf(run) }));
  return drawSvg(`Memory over long runs. ${titles.map(({ text }) => text).join('. ')}.`, {
    height: 110 + runs.length * 116,
    marginLeft: MARGIN_LEFT,
    marginRight: 30,
    marginTop: 80,
    marginBottom: 40,
    x: { label: 'done, % →', labelAnchor: 'center', domain: [0, 100], ticks: 5 },
    y: { label: null, ticks: 4, tickFormat: (mib: number) => (mib > 0 ? `+${mib}` : String(mib)) },
    fy: { label: null, axis: null, domain: runs.map(({ name }) => name), padding: 0.3 },
    marks: [
      Plot.gridY({ stroke: COLORS.grid, strokeOpacity: 1, ticks: 4 }),
      Plot.ruleY([ALLOWED_GROWTH.rss / MIB], { stroke: LINES[0]!.color, strokeDasharray: '5,4' }),
      Plot.lineY(points, {
        x: 'share',
        y: 'mib',
        z: 'measure',
        fy: 'run',
        stroke: 'color',
        strokeWidth: 1.8,
      }),
      Plot.text(titles, {
        fy: 'run',
        text: 'text',
        frameAnchor: 'top-left',
        dx: 10 - MARGIN_LEFT,
        dy: -16,
        textAnchor: 'start',
      }),
      heading('Memory, MiB over the median of the first third; in the titles the median of the last', -62, {
        fontWeight: 'bold',
        fontSize: 15,
      }),
      ...LINES.map(({ name, color }, i) =>
        heading(`■ ${name}`, -40, { fill: color, dx: 10 - MARGIN_LEFT + i * LEGEND_COLUMN }),
      ),
      heading('- - bound for resident', -40, {
        fill: LINES[0]!.color,
        dx: 10 - MARGIN_LEFT + LINES.length * LEGEND_COLUMN,
      }),
    ],
  });
}

function heading(text: string, dy: number, options: Plot.TextOptions): Plot.Markish {
  const at = { frameAnchor: 'top-left', textAnchor: 'start', facet: 'super', dx: 10 - MARGIN_LEFT } as const;
  return Plot.text([text], { ...at, dy, ...options });
}

/** `sessions, 20,026 tokens: resident 70.1, heap 7.1, array buffers 1.0, DMA 1.3 MiB`: medians of the last third. */
function titleOf(run: SoakRun): string {
  const parts = LINES.map(({ measure, name }) => `${name} ${(growthIn(run, measure).last / MIB).toFixed(1)}`);
  return `${run.name}, ${run.done.toLocaleString('en')} ${run.unit}: ${parts.join(', ')} MiB`;
}

function growthIn({ growth }: SoakRun, measure: Measure) {
  return growth.find(one => one.measure === measure)!;
}
