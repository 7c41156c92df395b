import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** Observable Plot draws on a document of linkedom's, since Node has none. */
/** What is read of the drawn root; its types are the browser's, which this project does without. */
interface DrawnRoot {
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');

export const COLORS = {
  background: '#ffffff',
  text: '#1f2328',
  muted: '#59636e',
  grid: '#d1d9e0',
} as const;

/**
 * Draws a plot as an SVG file of its own. It brings its background along, so that it reads the same on a light page and on a
 * dark one.
 * @param label what it shows, for who cannot see it
 */
export function drawSvg(label: string, options: Plot.PlotOptions): string {
  const drawn = Plot.plot({
    document,
    width: 820,
    style: { fontSize: '13px', color: COLORS.text },
    ...options,
    ariaLabel: label,
  }) as unknown as DrawnRoot;
  const [, , width, height] = (drawn.getAttribute('viewBox') ?? '0 0 0 0').split(' ');
  const text = drawn.outerHTML
    // Plot's own style sheet is for pages: fonts and colors are said on the root below.
    .replace(/<style>.*?<\/style>/s, '')
    .replaceAll(/-?\d+\.\d{2,}/g, number => String(Math.round(Number(number) * 10) / 10));
  const content = text.slice(text.indexOf('>') + 1);
  const root = [
    'xmlns="http://www.w3.org/2000/svg"',
    `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `role="img" aria-label="${label.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`,
    `fill="${COLORS.text}" color="${COLORS.text}"`,
    'font-family="system-ui, sans-serif" font-size="13" text-anchor="middle"',
  ].join(' ');
  return `<svg ${root}><rect width="${width}" height="${height}" rx="6" fill="${COLORS.background}"/>${content}\n`;
}
